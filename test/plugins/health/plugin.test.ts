import { describe, expect, test } from 'bun:test'
import { definePlugin } from '../../../core/contract/definition.ts'
import { z } from '../../../core/plugin.ts'
import { foreignTypes } from '../../../plugins/health/answers/foreign-shapes.ts'
import type { ComprehensiveJson } from '../../../plugins/health/answers/report.ts'
import { Health, type HealthCheck, healthCheck } from '../../../plugins/health/api.ts'
import health from '../../../plugins/health/index.ts'
import { pluginContract, testRuntime } from '../../../testing/index.ts'
import { until } from './kinds/support.ts'

const canary = 'canary-5d1c'

pluginContract(health, {
  config: {
    checks: {
      database: { kind: 'postgres', url: `postgres://app:${canary}@127.0.0.1:1/x` },
      cache: { kind: 'redis', url: `redis://:${canary}@127.0.0.1:1` },
      shop: { kind: 'mysql', url: `mysql://app:${canary}@127.0.0.1:1/x` },
      web: { kind: 'http', url: 'http://127.0.0.1:1/', headers: { authorization: canary } },
      loop: { kind: 'eventLoop' },
    },
    watchdog: { port: 0 },
  },
})

/** A plugin that brings checks. */
const bringing = (...checks: HealthCheck[]) =>
  definePlugin({
    api: 1,
    name: 'mine',
    version: '1.0.0',
    summary: 'Brings checks.',
    config: z.strictObject({}),
    setup: () => ({ contributes: checks.map((check) => healthCheck(check)) }),
  })

const boot = (config: Record<string, unknown> = {}, ...checks: HealthCheck[]) =>
  testRuntime({
    plugins: [health, bringing(...checks)],
    config: { plugins: { health: { details: 'always', ...config }, mine: {} } },
  })

type Booted = Awaited<ReturnType<typeof boot>>

const json = async (runtime: Booted, path: string) => {
  const response = await runtime.fetch(path)
  return { status: response.status, body: (await response.json()) as ComprehensiveJson }
}
const stateOf = ({ runtime }: Booted) => {
  const { state, reason } = runtime.status().plugins.find(({ name }) => name === 'health')!
  return [state as string, reason]
}

describe('health in a runtime', () => {
  test('a check that a plugin brings runs and shows, and goes with its plugin', async () => {
    await using runtime = await boot(
      {},
      { name: 'mine', critical: true, run: () => ({ status: 'down', message: 'no luck' }) },
    )
    await runtime.clock.advance(0)
    const { status, body } = await json(runtime, '/health/comprehensive')
    expect([status, body]).toMatchObject([
      503,
      { overall_healthy: false, checks: { mine: { status: 'down', error: 'no luck', kind: 'custom' } } },
    ])
    expect(runtime.runtime.service(Health).status()).toBe('down')
    await runtime.reload({ plugins: { health: {}, mine: { enabled: false } } })
    expect(await json(runtime, '/health')).toMatchObject({ status: 200, body: { status: 'up' } })
  })

  test('a check whose result throws is down, and degrades the plugin that contributed it', async () => {
    const message = {
      toString() {
        throw new Error('no text')
      },
    }
    await using runtime = await boot({}, { name: 'mine', run: () => ({ status: 'up', message }) as never })
    await runtime.clock.advance(0)
    const { body } = await json(runtime, '/health/comprehensive')
    expect(body.checks.mine).toMatchObject({ status: 'down', error: 'no text' })
    expect(stateOf(runtime)[0]).toBe('ok')
    expect(runtime.runtime.status().plugins.find(({ name }) => name === 'mine')).toMatchObject({
      state: 'degraded',
      reason: 'a contribution to health.check threw: no text',
    })
  })

  test('answers come at once and truthfully while every dependency hangs', async () => {
    const hang = (name: string): HealthCheck => ({
      name,
      critical: true,
      groups: ['ready'],
      run: () => new Promise(() => {}),
    })
    await using runtime = await boot({ maxConcurrent: 2 }, hang('a'), hang('b'), hang('c'))
    expect((await runtime.fetch('/readyz')).status).toBe(503)
    expect((await runtime.fetch('/health')).status).toBe(200)
    await runtime.clock.advance(10_000)
    const { body } = await json(runtime, '/health/comprehensive')
    expect(body).toMatchObject({
      checks: { a: { status: 'down', error: 'no answer within 5000 ms' }, c: { status: 'down' } },
    })
    expect(await (await runtime.fetch('/livez')).text()).toBe('ok')
  })

  test('a check without a target is off and says so', async () => {
    await using runtime = await boot({ checks: { database: { kind: 'postgres', url: '' } } })
    expect((await json(runtime, '/health/comprehensive')).body).toMatchObject({
      status: 'up',
      checks: {},
      off: { database: 'url is empty' },
    })
    expect(runtime.runtime.service(Health).off()).toHaveLength(1)
    expect(stateOf(runtime)).toEqual(['ok', ''])
  })

  test('every option is taken by a reload in place, and what the checks found stays', async () => {
    const disk = { kind: 'disk', path: '/no/such/path' }
    await using runtime = await boot({ checks: { disk, loop: { kind: 'eventLoop' } }, jitter: 0 })
    await until(async () => {
      await runtime.clock.advance(0)
      return (await json(runtime, '/health/comprehensive')).body.checks.disk?.status === 'down'
    }, 2_000)
    const before = (await json(runtime, '/health/comprehensive')).body.checks.disk
    await runtime.clock.advance(1_000)
    const next = {
      checks: { disk: { ...disk, critical: true, every: '30s' } },
      ready: 'critical',
      maxConcurrent: 8,
      jitter: 0.2,
      startupGrace: '1m',
    }
    const steps = await runtime.reload({ plugins: { health: next, mine: {} } })
    expect(steps.find(({ plugin }) => plugin === 'health')?.action).toBe('reconfigure')
    const { status, body } = await json(runtime, '/health/comprehensive')
    expect([status, Object.keys(body.checks)]).toEqual([503, ['disk']])
    expect(body.checks.disk).toMatchObject({
      status: 'down',
      last_change: before!.last_change,
      observed_at: before!.observed_at,
    })
    expect((await runtime.fetch('/readyz')).status).toBe(503)
  })

  test('a hundred reloads leave no timer behind', async () => {
    const config = (every: string) => ({
      checks: { loop: { kind: 'eventLoop', every }, disk: { kind: 'disk', every } },
    })
    await using runtime = await boot(config('10s'))
    await runtime.clock.advance(8)
    const before = runtime.clock.pending
    for (let round = 0; round < 100; round += 1) {
      await runtime.reload({ plugins: { health: config(round % 2 === 0 ? '20s' : '10s'), mine: {} } })
    }
    await runtime.clock.advance(8)
    expect(runtime.clock.pending).toBe(before)
  })

  test('a name that is taken degrades the plugin that contributed it alone, a parent that is missing degrades health', async () => {
    const run = () => ({ status: 'up' as const })
    const config = { checks: { loop: { kind: 'eventLoop' } } }
    await using runtime = await boot(config, { name: 'loop', run })
    expect(stateOf(runtime)).toEqual(['ok', ''])
    await runtime.clock.advance(61_000)
    expect(runtime.runtime.status().plugins.find(({ name }) => name === 'mine')).toMatchObject({
      state: 'degraded',
      reason: 'check loop of plugin mine: the name is taken',
    })
    await using lacking = await boot(config, { name: 'b', dependsOn: ['ghost'], run })
    expect(stateOf(lacking)).toEqual(['degraded', 'no check is called ghost'])
    await lacking.clock.advance(0)
    expect((await json(lacking, '/health')).body).toMatchObject({ status: 'up' })
  })

  test.each(['mine', 'health'])(
    'a parent that goes with %s, which stops or is replaced, is missing only after ten seconds',
    async (restarted) => {
      const run = () => ({ status: 'up' as const })
      const config = { checks: { after: { kind: 'eventLoop', dependsOn: ['parent'] } } }
      const booted = await boot(config, { name: 'parent', run })
      await booted.runtime.restart(restarted)
      await booted.clock.advance(60_000)
      await booted.stop()
      expect(booted.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([])

      let remove = () => {}
      const coming = definePlugin({
        ...{ api: 1, name: 'coming', version: '1.0.0', summary: 'Contributes a check for a time.' },
        config: z.strictObject({}),
        setup: ({ contribute }) => ({
          start() {
            remove = contribute(healthCheck({ name: 'parent', run }))
          },
        }),
      })
      await using lacking = await testRuntime({ plugins: [health, coming], config: { plugins: { health: config } } })
      remove()
      await lacking.clock.advance(9_000)
      expect(stateOf(lacking)).toEqual(['ok', ''])
      await lacking.clock.advance(2_000)
      expect(stateOf(lacking)).toEqual(['degraded', 'no check is called parent'])
    },
  )

  test('/readyz fails as soon as the runtime stops', async () => {
    const runtime = await boot()
    expect((await runtime.fetch('/readyz')).status).toBe(200)
    const stopping = runtime.stop()
    expect(await (await runtime.fetch('/readyz')).text()).toContain('[-]shutdown failed')
    await stopping
  })

  test('the command `health` gives the whole report', async () => {
    await using runtime = await boot(
      { details: 'never' },
      { name: 'mine', run: () => ({ status: 'down', message: 'no luck' }) },
    )
    await runtime.clock.advance(0)
    const report = await runtime.runtime.commands().get('health')!.run({})
    expect(report).toMatchObject({ status: 'degraded', checks: { mine: { error: 'no luck' } } })
  })

  test('a report whose results are stale says so and why, in every format', async () => {
    await using runtime = await boot({}, { name: 'mine', everyMs: 1_000, run: () => ({ status: 'up' }) })
    await runtime.clock.advance(2_000)
    const texts = () =>
      Promise.all(
        ['application/json', 'application/health+json', ...Object.values(foreignTypes)].map(async (accept) =>
          (await runtime.fetch('/health/comprehensive', { headers: { accept } })).text(),
        ),
      )
    const saying = async (words: string) => (await texts()).filter((text) => text.includes(words)).length
    const report = async () => (await runtime.runtime.commands().get('health')!.run({})) as Record<string, unknown>
    expect([await saying('the result is stale'), (await report()).monitoring_paused]).toEqual([0, undefined])
    runtime.runtime.pause()
    expect(await report()).toMatchObject({ status: 'up', monitoring_paused: true })
    await runtime.clock.advance(60_000)
    const error = 'the result is stale: monitoring is paused'
    expect(await report()).toMatchObject({ status: 'degraded', checks: { mine: { status: 'up', stale: true, error } } })
    expect(await saying(error)).toBe(4)
    runtime.runtime.resume()
    await runtime.clock.advance(2_000)
    expect(await saying('the result is stale')).toBe(0)
    expect(await report()).not.toHaveProperty('monitoring_paused')
  })

  test('while monitoring is paused no check runs, and readiness does not wait for one', async () => {
    let runs = 0
    const counting: HealthCheck = {
      name: 'mine',
      groups: ['ready'],
      run: () => ({ status: 'up', message: `${++runs}` }),
    }
    await using runtime = await boot({}, counting)
    runtime.runtime.pause()
    await runtime.clock.advance(60_000)
    expect(runs).toBe(0)
    expect((await runtime.fetch('/readyz')).status).toBe(200)
    runtime.runtime.resume()
    await runtime.clock.advance(60_000)
    expect(runs).toBeGreaterThan(0)
  })
})
