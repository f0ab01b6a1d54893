import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../../../../core/contract/logger.ts'
import { systemClock } from '../../../../core/process/clock.ts'
import { createWorkers } from '../../../../core/process/workers.ts'
import { Health } from '../../../../plugins/health/api.ts'
import { HealthConfig } from '../../../../plugins/health/config.ts'
import health from '../../../../plugins/health/index.ts'
import { Watchdog } from '../../../../plugins/health/watchdog/supervise.ts'
import { testRuntime } from '../../../../testing/index.ts'
import { throughMoves } from '../../../support/moving-listener.ts'
import { freePort } from '../../../support/services.ts'
import { until } from '../kinds/support.ts'

const silent = { error() {}, warn() {}, info() {} } as unknown as Logger

// The watchdog and the process that it watches run in real time.
describe('a main loop that is stuck', () => {
  const dir = mkdtempSync(join(process.env.ARKWATCH_TEST_DATA_DIR ?? tmpdir(), 'watchdog-'))
  const lines: string[] = []
  let child: Bun.Subprocess<'pipe', 'pipe', 'pipe'>
  let url = ''

  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of stream) {
      const parts = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n')
      rest = parts.pop()!
      lines.push(...parts)
    }
  }
  const tell = (command: string) => {
    child.stdin.write(`${command}\n`)
    child.stdin.flush()
  }
  const has = (text: string) => lines.some((line) => line.includes(text))
  const livez = async () => (await fetch(`${url}/livez`)).status
  const stuckSeconds = async () =>
    Number(/^arkwatch_event_loop_stuck_seconds (.*)$/m.exec(await (await fetch(`${url}/metrics`)).text())![1])

  beforeAll(async () => {
    child = Bun.spawn(['bun', join(import.meta.dir, '../fixtures/stuck-process.ts'), dir], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    void collect(child.stdout)
    void collect(child.stderr)
    await until(() => has('watchdog listens') && has('"main"'), 15_000)
    url = JSON.parse(lines.find((line) => line.includes('watchdog listens'))!).url
  }, 20_000)
  afterAll(async () => {
    tell('stop')
    await Promise.race([child.exited, Bun.sleep(5_000)])
    child.kill('SIGKILL')
  }, 10_000)

  test('is reported after a second as a line and a metric, liveness fails after stuckAfter, and both recover', async () => {
    expect(await livez()).toBe(200)
    // Lower bounds of real time, since a stuck process has no clock that a test could move: load only makes them later.
    const startedMs = performance.now()
    tell('block 4500')
    await until(() => has('"event loop is stuck"'), 2_500)
    expect(performance.now() - startedMs).toBeGreaterThan(900)
    expect(await livez()).toBe(200)
    expect(await stuckSeconds()).toBeGreaterThanOrEqual(1)
    await until(async () => (await livez()) === 503, 3_000)
    expect(performance.now() - startedMs).toBeGreaterThan(2_700)
    await until(async () => has('liveness fails from now on'), 3_000)
    expect(await (await fetch(`${url}/livez`)).text()).toMatch(
      /^\[-\]eventLoop failed: stuck for \d\.\d s\nlivez check failed\n$/,
    )
    await until(async () => (await livez()) === 200, 4_000)
    expect(await stuckSeconds()).toBe(0)
    await until(() => has('"event loop was stuck"'), 2_000)
  }, 20_000)

  test('an announced stall drops readiness first and holds liveness for its bound', async () => {
    const before = lines.length
    tell('pause 12000 6000')
    await until(() => has('"readyz":503'), 5_000)
    const isAnnounced = async () => (await (await fetch(`${url}/livez?verbose`)).text()).includes('(announced stall)')
    await until(isAnnounced, 3_000)
    const startedMs = performance.now()
    let heldMs = 0
    while (await isAnnounced()) {
      expect(await livez()).toBe(200)
      heldMs = performance.now() - startedMs
      await Bun.sleep(100)
    }
    // Longer than stuckAfter. The process blocks for 6 s in real time, of which a loaded machine may hide a part.
    expect(heldMs).toBeGreaterThan(3_000)
    expect(lines.slice(before).some((line) => line.includes('event loop is stuck'))).toBe(false)
  }, 40_000)

  test('other paths are 404', async () => {
    expect((await fetch(`${url}/readyz`)).status).toBe(404)
  })
})

describe('the port of the watchdog', () => {
  const boot = (watchdog: object) =>
    testRuntime({ plugins: [health], clock: systemClock, config: { plugins: { health: { watchdog } } } })
  const stateOf = ({ runtime }: Awaited<ReturnType<typeof boot>>) => {
    const { state, reason } = runtime.status().plugins.find(({ name }) => name === 'health')!
    return `${state} ${reason}`
  }

  test('one that is taken degrades the plugin, never the boot, and is taken up when it comes free', async () => {
    const port = freePort()
    const holder = Bun.serve({ port, hostname: '127.0.0.1', fetch: () => new Response('mine') })
    await using runtime = await boot({ port })
    await until(() => stateOf(runtime).startsWith('degraded'), 5_000)
    expect(stateOf(runtime)).toContain(`watchdog cannot listen on 127.0.0.1:${port}`)
    expect((await runtime.fetch('/readyz')).status).toBe(200)
    await holder.stop(true)
    await until(() => stateOf(runtime) === 'ok ', 5_000)
    expect(await (await fetch(`http://127.0.0.1:${port}/livez`)).text()).toBe('ok')
  }, 20_000)

  test('one whose thread cannot load is an error of its readiness', async () => {
    const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, silent)
    const dedicated = (name: string) => workers.dedicated(name, new URL('./missing.ts', import.meta.url))
    const eventLoop = { heartbeat: new SharedArrayBuffer(64) }
    const watchdog = new Watchdog({ workers: { dedicated }, eventLoop, log: silent, onProblem() {} })
    const config = HealthConfig.parse({ watchdog: { port: 1 } }).watchdog
    await watchdog.apply(config)
    expect(await watchdog.ready().catch(({ code }) => code)).toBe('WORKER_ENDED')
    await watchdog.stop()
  })

  test('a reload to one that is taken fails, and the listener and the checks of before stay', async () => {
    const [first, third] = [freePort(), freePort()]
    using taken = Bun.serve({ port: 0, hostname: '0.0.0.0', fetch: () => new Response('mine') })
    const livez = async (port: number) => (await fetch(`http://127.0.0.1:${port}/livez`)).text()
    await using runtime = await boot({ port: first })
    // The last one has the port of before, which its own worker must leave first.
    const refused = [{ port: taken.port }, { port: taken.port, stuckAfter: '9s' }, { port: first, host: '203.0.113.1' }]
    for (const watchdog of refused) {
      const failed = await runtime
        .reload({ plugins: { health: { watchdog, checks: { loop: { kind: 'eventLoop' } } } } })
        .catch((error: Error) => error)
      expect(failed).toMatchObject({
        code: 'RELOAD_FAILED',
        message: expect.stringContaining('watchdog cannot listen'),
      })
      expect((failed as Error).cause).toMatchObject({ cause: { code: 'HEALTH_WATCHDOG_PORT' } })
      await until(async () => (await livez(first).catch(() => '')) === 'ok', 5_000)
      expect(stateOf(runtime)).toBe('ok ')
      expect(runtime.runtime.service(Health).checks()).toEqual([])
    }
    await runtime.reload({ plugins: { health: { watchdog: { port: first, stuckAfter: '9s' } } } })
    expect(await livez(first)).toBe('ok')
    await runtime.reload({ plugins: { health: { watchdog: { port: third, stuckAfter: '9s' } } } })
    expect(await livez(third)).toBe('ok')
    await expect(livez(first)).rejects.toThrow()
  }, 20_000)

  test('both are open until a reload that moves one has ended, and one after it', async () => {
    const [first, second] = [freePort(), freePort()]
    const sections = (isMoved: boolean) => ({ health: { watchdog: { port: isMoved ? second : first } } })
    await throughMoves([health], sections, [`http://127.0.0.1:${first}/livez`, `http://127.0.0.1:${second}/livez`])
  }, 20_000)

  test('a reload moves it, keeps it and closes it', async () => {
    const [first, second] = [freePort(), freePort()]
    const isOpen = async (port: number) =>
      (await fetch(`http://127.0.0.1:${port}/livez`).catch(() => undefined))?.ok === true
    await using runtime = await boot({ port: first })
    await until(() => isOpen(first), 5_000)
    await runtime.reload({ plugins: { health: { watchdog: { port: second } } } })
    await until(() => isOpen(second), 5_000)
    expect(await isOpen(first)).toBe(false)
    await runtime.reload({ plugins: { health: {} } })
    await until(async () => !(await isOpen(second)), 5_000)
  }, 20_000)
})
