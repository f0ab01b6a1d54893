/** `examples/gateway` as a process of its own, on free ports, with its own data folder. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runLoad } from '../../examples/gateway/load.ts'
import { freePort } from '../../scripts/services/free-port.ts'

const root = join(import.meta.dir, '../..')

export interface GatewayProcess {
  /** The gateway's own API. */
  readonly url: string
  readonly ops: string
  readonly admin: string
  readonly folder: string
  readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  readonly env: Readonly<Record<string, string>>
  send(path: string, body?: unknown): Promise<{ status: number; headers: Headers; body: never; ms: number }>
  /** An answer of the admin API. */
  administer<T>(path: string): Promise<T>
  /** The value of one series in /metrics. @param series with its labels, `a_total{b="c"}`; 0 if it is not there */
  metric(series: string): Promise<number>
  /** What it wrote to stdout and stderr by now. */
  output(): string
  [Symbol.asyncDispose](): Promise<void>
}

/** Asks again until `what` holds. @throws after `withinMs` */
export async function eventually(what: () => Promise<boolean>, withinMs = 20_000): Promise<number> {
  const startedMs = performance.now()
  while (!(await what().catch(() => false))) {
    if (performance.now() - startedMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    // The state of another process cannot be awaited otherwise.
    await Bun.sleep(20)
  }
  return performance.now() - startedMs
}

/** @returns once /_ops/livez answers */
export async function startGateway(servers: { database: string; redis: string }, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'))
  const [port, opsPort, adminPort] = [await freePort(), await freePort(), await freePort()]
  const variables = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    DATABASE_URL: servers.database,
    REDIS_URL: servers.redis,
    ...{ PORT: String(port), OPS_PORT: String(opsPort), ADMIN_PORT: String(adminPort) },
    GATEWAY_DATA: join(folder, 'data'),
    DRAIN_DELAY: '0s',
    ...env,
  }
  const child = Bun.spawn([process.execPath, join(root, 'examples/gateway/server.ts')], {
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', env: variables, cwd: root },
  }) as GatewayProcess['child']
  let text = ''
  const follow = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) text = (text + decoder.decode(chunk, { stream: true })).slice(-1_000_000)
  }
  void follow(child.stdout)
  void follow(child.stderr)
  const [url, ops, admin] = [port, opsPort, adminPort].map((each) => `http://127.0.0.1:${each}`) as [
    string,
    string,
    string,
  ]
  const ended = child.exited.then((code) => Promise.reject(new Error(`it ended with ${code}`)))
  const started = eventually(async () => (await fetch(`${url}/_ops/livez`)).ok)
  await Promise.race([started, ended]).catch((thrown) => {
    child.kill('SIGKILL')
    throw new Error(`the gateway did not start (${thrown.message}): ${text}`)
  })
  ended.catch(() => {})
  const gateway: GatewayProcess = {
    ...{ url, ops, admin, folder, child, env: variables, output: () => text },
    async send(path, body) {
      const startedMs = performance.now()
      const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
      const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(30_000) })
      const json = response.headers.get('content-type')?.includes('json') ? response.json() : response.text()
      return {
        ...{ status: response.status, headers: response.headers },
        body: (await json) as never,
        ms: performance.now() - startedMs,
      }
    },
    async administer<T>(path: string) {
      const key = readFileSync(join(folder, 'data', 'admin.key'), 'utf8').trim()
      const response = await fetch(`${admin}${path}`, { headers: { 'x-admin-key': key } })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    async metric(series) {
      const lines = (await (await fetch(`${ops}/metrics`)).text()).split('\n')
      return Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1) ?? 0)
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return gateway
}

/** Loads the gateway until told otherwise. @returns ends the load, with its report */
export const loadOf = (gateway: GatewayProcess, concurrency: number) => {
  const stop = new AbortController()
  const loading = runLoad({ url: gateway.url, requests: 100_000, seconds: 30, concurrency, signal: stop.signal })
  return () => {
    stop.abort()
    return loading
  }
}
