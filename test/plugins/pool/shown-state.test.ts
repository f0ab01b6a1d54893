/** What is shown of a pool is its state: status, metric, plugin state and health check agree, without traffic, too. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { Health } from '../../../plugins/health/api.ts'
import health from '../../../plugins/health/index.ts'
import metrics from '../../../plugins/metrics/index.ts'
import { type PoolStatus, Pools } from '../../../plugins/pool/api.ts'
import plugin from '../../../plugins/pool/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { type Instance, privatePostgres } from '../../support/services.ts'
import { codeOf, eventually } from './real-pool.ts'

// Servers are started, stopped and killed.
setDefaultTimeout(60_000)

let server: Instance
beforeAll(async () => {
  server = await privatePostgres({ args: ['-c', 'max_connections=8', '-c', 'superuser_reserved_connections=0'] })
})
afterAll(() => server?.stop())

async function boot(withHealth: boolean) {
  const booted = await testRuntime({
    plugins: [plugin, metrics, health],
    config: {
      server: { port: 0 },
      plugins: { pool: { url: server.url, size: 2 }, metrics: {}, health: withHealth ? {} : { enabled: false } },
    },
  })
  const { runtime, clock } = booted
  const pool = runtime.service(Pools).get()
  /** All that is shown of the state of the pool. */
  const shown = async () => {
    const text = await (await booted.fetch('/metrics')).text()
    const metric = (name: string) =>
      new RegExp(`^arkwatch_pool_${name}\\{pool="default"\\} (\\S+)`, 'm').exec(text)?.[1]
    const { state, reason } = runtime.status().plugins.find(({ name }) => name === 'pool')!
    const check = runtime.find(Health)?.checks()
    return {
      pool: pool.status().state,
      up: metric('up'),
      plugin: state,
      reason,
      check: check?.find(({ name }) => name === 'pool.default')?.status,
      message: check?.find(({ name }) => name === 'pool.default')?.message,
      connections: Number(metric('reserve_connections')),
      created: Number(metric('connections_created_total')),
      failures: Number(metric('connect_failures_total')),
    }
  }
  /** Moves the clock until everything that is shown agrees. @returns whether it came to that */
  const agree = (expected: Record<string, unknown>, withinMs = 60_000) => {
    const untilMs = clock.monotonic() + withinMs
    return eventually(async () => {
      if (clock.monotonic() < untilMs) await clock.advance(500)
      const seen = await shown()
      return Object.entries(expected).every(([key, value]) => Bun.deepEquals(seen[key as keyof typeof seen], value))
    })
  }
  return { ...booted, pool, shown, agree }
}

const faces = (state: PoolStatus['state'], withHealth: boolean) => {
  const isUp = state === 'ok' || state === 'paused'
  const check = state === 'ok' ? 'up' : isUp ? 'degraded' : 'down'
  return {
    ...{ pool: state, up: isUp ? '1' : '0', plugin: state === 'ok' ? 'ok' : 'degraded' },
    check: withHealth ? check : undefined,
  }
}

const signalAll = async (signal: 'SIGSTOP' | 'SIGCONT', pids: readonly number[]) => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended.
    }
  }
}

for (const withHealth of [true, false]) {
  const where = withHealth ? 'with a health check' : 'without health'

  test(`without traffic a killed server is shown everywhere, and its return, ${where}`, async () => {
    await using at = await boot(withHealth)
    expect(await at.agree(faces('ok', withHealth))).toBe(true)
    expect(await at.shown()).toMatchObject({ connections: 1, created: 1, failures: 0 })
    await server.kill9()
    expect(await at.agree(faces('unavailable', withHealth))).toBe(true)
    const seen = await at.shown()
    expect(seen.reason).toContain('pool default: the database cannot be reached: ')
    if (withHealth) expect(seen.message).toContain('the database cannot be reached: ')
    expect(seen).toMatchObject({ connections: 0 })
    expect(seen.failures).toBeGreaterThan(0)
    await server.restart()
    expect(await at.agree({ ...faces('ok', withHealth), reason: '' })).toBe(true)
  })

  test(`without traffic a server that hangs is shown everywhere, and its return, ${where}`, async () => {
    await using at = await boot(withHealth)
    expect(await at.agree(faces('ok', withHealth))).toBe(true)
    const rows = await at.pool.query<{ pid: number }>('SELECT pid FROM pg_stat_activity')
    const pids = [server.pid, ...rows.map(({ pid }) => pid)]
    await signalAll('SIGSTOP', pids)
    try {
      expect(await at.agree(faces('unavailable', withHealth))).toBe(true)
    } finally {
      await signalAll('SIGCONT', pids)
    }
    expect(await at.agree(faces('ok', withHealth))).toBe(true)
  })

  test(`a pool that is suspended, resumed and drained is shown so everywhere, ${where}`, async () => {
    await using at = await boot(withHealth)
    const run = (action: string, args = {}) => at.runtime.commands().get(`pool.${action}`)!.run(args)
    expect(await at.agree(faces('ok', withHealth))).toBe(true)
    await run('pause')
    expect(await at.shown()).toMatchObject({ pool: 'paused', plugin: 'degraded' })
    expect(await at.agree(faces('paused', withHealth))).toBe(true)
    await run('resume')
    expect(await at.agree(faces('ok', withHealth))).toBe(true)
    await run('drain')
    expect(await at.shown()).toMatchObject({ pool: 'drained', plugin: 'degraded', up: '0' })
    expect(await at.agree(faces('drained', withHealth))).toBe(true)
    for (const action of ['pause', 'resume', 'evict'])
      expect(await Promise.resolve(run(action)).then(() => 'ok', codeOf)).toBe('POOL_CLOSED')
    expect(await Promise.resolve(run('drain')).then(() => 'ok', codeOf)).toBe('ok')
    await at.runtime.restart('pool')
    const { status } = at.runtime.service(Pools).get()
    expect(status().state).toBe('ok')
  })
}

test('a pool that serves is not down when its server has no connection left for the health check', async () => {
  const greedy = postgres(server.url, { max: 20, onnotice: () => {} })
  await using at = await boot(true)
  expect(await at.agree(faces('ok', true))).toBe(true)
  const pid = async (lane: 'main' | 'reserve') => {
    const [row] = await at.pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid', [], { lane })
    return row!.pid
  }
  await pid('main')
  expect(at.pool.evict(await pid('reserve'))).toBe(1)
  const taken = await Promise.allSettled(Array.from({ length: 20 }, () => greedy.reserve()))
  expect(taken.some(({ status }) => status === 'rejected')).toBe(true)
  const served = async () => {
    await at.pool.query('SELECT 1')
    return at.shown()
  }
  const expected = { ...faces('ok', true), check: 'degraded' }
  const seen: Awaited<ReturnType<typeof served>>[] = []
  for (let second = 0; second < 40; second += 1) {
    await at.clock.advance(1_000)
    seen.push(await served())
  }
  expect(seen.map(({ pool, up, plugin }) => ({ pool, up, plugin }))).toEqual(
    seen.map(() => ({ pool: 'ok', up: '1', plugin: 'ok' })),
  )
  expect(seen.at(-1)).toMatchObject(expected)
  expect(seen.at(-1)?.message).toMatch(/^no connection for health and admin: .*(too many|connection slots)/)
  for (const each of taken) if (each.status === 'fulfilled') each.value.release()
  await greedy.end()
  expect(await at.agree(faces('ok', true))).toBe(true)
})
