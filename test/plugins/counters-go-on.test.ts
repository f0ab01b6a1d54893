/** Counters of the plugins that come with Arkwatch go on in a successor. */
import { expect, test } from 'bun:test'
import { definePlugin, z } from '../../core/plugin.ts'
import { adminCollector } from '../../plugins/admin/collect.ts'
import type { AdminInstance } from '../../plugins/admin/engine.ts'
import { auditCollector } from '../../plugins/audit/collect.ts'
import { cacheCollector } from '../../plugins/cache/collect.ts'
import type { TieredCache } from '../../plugins/cache/engine.ts'
import { healthCollector } from '../../plugins/health/collect.ts'
import type { HealthEngine } from '../../plugins/health/engine.ts'
import { EventCounters, logCollector } from '../../plugins/logging/event-counters.ts'
import { type Collector, collector, Metrics } from '../../plugins/metrics/api.ts'
import metrics from '../../plugins/metrics/index.ts'
import { PoolMetrics } from '../../plugins/pool/collect.ts'
import { redisCollector } from '../../plugins/redis/collect.ts'
import { storeCollector } from '../../plugins/store/collect.ts'
import { testRuntime } from '../../testing/test-runtime.ts'

/** Any field and any call is `count`; text and lists of the given fields take precedence. */
const counting = (count: () => number, given: object = {}): never =>
  new Proxy(given, { get: (target, key) => Reflect.get(target, key) ?? count() }) as never

const sources: Readonly<Record<string, (count: () => number) => Collector>> = {
  admin: (count) => adminCollector(adminOf(count)),
  audit: (count) => auditCollector(counting(count), count),
  store: (count) => storeCollector(counting(count)),
  redis: (count) => redisCollector(counting(count, { stats: () => counting(count), commands: {} })),
  health: (count) =>
    healthCollector({ checks: () => [], abandoned: 0 } as unknown as HealthEngine, () => counting(count)),
  logging(count) {
    const events = new EventCounters()
    events.events = function* () {
      yield { level: 'info' as const, logger: 'app', count: count() }
    }
    return logCollector({ events, dropped: () => ({ console: count() }), suppressed: count })
  },
  cache(count) {
    const stats = () =>
      counting(count, {
        loads_pending: 0,
        load_failures: count(),
        loads: 2 * count(),
        evictions_by_cause: { size: count() },
        groups: { users: counting(count) },
        ghost: { same: 1 },
      })
    return cacheCollector({ stats } as unknown as TieredCache)
  },
  pool(count) {
    const pools = new PoolMetrics()
    const closed = { idle: count() }
    pools.add({
      name: 'main',
      watch: { instruments: {} },
      status: () => counting(count, { state: 'ok', closed, reserve: { total: 1 } }),
      statements: () => [],
      routes: () => [{ route: '/', count: count(), heldMs: count() }],
    } as never)
    return pools.collector
  },
}

const adminOf = (count: () => number) => {
  const held = { size: 0 }
  return {
    bodies: { refused: count() },
    gate: { failures: count() },
    inherited: { sessions: held },
    jobs: { running: 0 },
    streams: { open: held, dropped: count() },
  } as unknown as AdminInstance
}

test.each(Object.entries(sources))('every counter of %s goes on over a replacement', async (_, of) => {
  const plugin = definePlugin({
    api: 1,
    name: 'counted',
    version: '1.0.0',
    summary: 'Has the collector.',
    config: z.strictObject({ count: z.number() }),
    setup: ({ config }) => ({
      contributes: [collector(of(() => config.count))],
      ready() {
        if (config.count === 13) throw new Error('not ready')
      },
    }),
  })
  const config = (count: number) => ({ plugins: { metrics: {}, counted: { count } } })
  await using booted = await testRuntime({ plugins: [metrics, plugin], config: config(5) })
  const read = async () => {
    const found = new Map<string, number>()
    await booted.runtime.service(Metrics).visit(({ type, name: family }, name, labels, value) => {
      if (type === 'counter' && !/^arkwatch_(plugin|collector|metrics)_/.test(family) && name.endsWith('_total'))
        found.set(`${name} ${Object.values(labels).join()}`, value)
    })
    return found
  }
  const first = await read()
  expect(first.size).toBeGreaterThan(0)
  await booted.reload(config(1))
  const second = await read()
  const fallen = [...first].filter(([name, value]) => !(second.get(name)! > value))
  expect(fallen).toEqual([])
  await expect(booted.reload(config(13))).rejects.toThrow()
  const third = await read()
  expect([...second].filter(([name, value]) => !(third.get(name)! >= value))).toEqual([])
  // The instance that resumed has counted nothing more: only its successor adds.
  await booted.reload(config(2))
  const fourth = await read()
  const added = (name: string) => (fourth.get(name)! - third.get(name)!) / (first.get(name)! / 5)
  expect([...third.keys()].map(added).filter((count) => Math.abs(count - 2) > 1e-9)).toEqual([])
})
