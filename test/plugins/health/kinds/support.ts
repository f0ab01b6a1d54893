/** What the tests of the kinds share: running one check by its options, and servers that never answer. */
import { createServer, type Server } from 'node:net'
import type { CheckResult } from '../../../../plugins/health/api.ts'
import type { Probe, ProbeTools } from '../../../../plugins/health/checks/check.ts'
import { loadPackage } from '../../../../plugins/health/checks/load-package.ts'
import { scrubber, secretsOf } from '../../../../plugins/health/checks/scrub.ts'
import { HealthConfig } from '../../../../plugins/health/config.ts'
import { kindOf } from '../../../../plugins/health/kinds/index.ts'

const tools: ProbeTools = {
  eventLoop: { delay: () => ({ minMs: 0, meanMs: 1, p50Ms: 1, p90Ms: 2, p99Ms: 3, maxMs: 4 }) },
  load: (name) => loadPackage(name),
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** @param options as in config.yaml */
export function probeOf(options: Record<string, unknown>, changes: Partial<ProbeTools> = {}): Probe {
  const check = HealthConfig.parse({ checks: { it: options } }).checks.it!
  return kindOf(check).open(check as never, { ...tools, ...changes })
}

/** Runs one check once, and closes it. What it throws is a down, as it is for the engine. */
export async function runOnce(
  options: Record<string, unknown>,
  signal = new AbortController().signal,
): Promise<CheckResult> {
  const probe = probeOf(options)
  const scrub = scrubber(secretsOf(String(options.url ?? '')))
  try {
    return await probe.run(signal)
  } catch (thrown) {
    return { status: 'down', message: scrub((thrown as Error).message) }
  } finally {
    probe.close?.()
  }
}

/** A server that accepts and never answers. */
export async function blackHole(): Promise<{ port: number; open(): number; close(): void }> {
  let open = 0
  const server: Server = createServer((socket) => {
    open += 1
    socket.on('close', () => {
      open -= 1
    })
    socket.on('error', () => {})
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as { port: number }).port, open: () => open, close: () => server.close() }
}

/** Waits for something that happens in another process or thread, where no test clock helps. */
export async function until(what: () => boolean | Promise<boolean>, withinMs: number): Promise<number> {
  const startedMs = performance.now()
  while (!(await what())) {
    if (performance.now() - startedMs > withinMs) throw new Error(`did not happen within ${withinMs} ms`)
    await Bun.sleep(20)
  }
  return performance.now() - startedMs
}
