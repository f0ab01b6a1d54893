import { describe, expect, test } from 'bun:test'
import { runInNewContext } from 'node:vm'
import type { PluginClock } from '../../../core/contract/definition.ts'
import { LogHub } from '../../../core/process/log.ts'
import type { Collector, MetricFactory } from '../../../plugins/metrics/api.ts'
import { CollectorRunner } from '../../../plugins/metrics/collector-runner.ts'
import { createPace } from '../../../plugins/metrics/exposition/pace.ts'
import type { GaugeFamily } from '../../../plugins/metrics/storage/number-families.ts'
import { FamilyOwnership, graceMs } from '../../../plugins/metrics/storage/ownership.ts'
import { MetricStore } from '../../../plugins/metrics/storage/store.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'
import { thenable } from '../../support/hostile.ts'

function setUp() {
  const clock = testClock()
  const lines: Parameters<typeof recordingSink>[0] = []
  const log = new LogHub(clock, recordingSink(lines)).logger('metrics')
  const ownership = new FamilyOwnership(new MetricStore(clock), clock)
  const runner = new CollectorRunner({ ownership, clock: clock as PluginClock, log })
  const value = (name: string, labels: string): number | undefined => {
    const family = ownership.store.family(name) as GaugeFamily | undefined
    const out = new Float64Array(1)
    for (const series of family?.all ?? []) {
      if (series.values.join() !== labels) continue
      family!.read(series, out)
      return out[0]
    }
    return undefined
  }
  const scrape = () => runner.collect(createPace(clock))
  const errors = (name: string) => value('arkwatch_collector_errors_total', name)
  return { clock, lines, ownership, runner, value, scrape, errors }
}

/** Counts its calls in a family of its own. */
const counting = (name: string, more: Partial<Collector> = {}, collect = () => {}): Collector => ({
  name,
  setup(metrics) {
    const counter = metrics.counter({ name: 'calls_total', help: 'h' })
    return () => {
      counter.inc({})
      return collect()
    }
  },
  ...more,
})

type Setter = (total: number, host: string) => void
/** Ways to set the value of a host. */
const setters: Record<string, (metrics: MetricFactory) => Setter> = {
  gauge(metrics) {
    const gauge = metrics.gauge({ name: 'seen', help: 'h', labels: ['host'] })
    return (total, host) => gauge.set({ host }, total)
  },
  'batch of a gauge'(metrics) {
    const { gauge, observe } = metrics.batch()
    const family = gauge<'host'>({ name: 'seen', help: 'h', labels: ['host'] })
    return (total, host) => observe(() => family.set(total, { host }))
  },
  'batch of a counter'(metrics) {
    const { counter, observe } = metrics.batch()
    const family = counter<'host'>({ name: 'seen_total', help: 'h', labels: ['host'] })
    return (total, host) => observe(() => family.set(total, { host }))
  },
}

// The gauge of a collector goes on in its successor, with all its label sets.
test.each(Object.entries(setters).filter(([way]) => way !== 'gauge'))(
  'an answer that comes after the end of a collector sets nothing: %s',
  async (_, way) => {
    const { runner, scrape, ownership } = setUp()
    const late: Setter[] = []
    const collector = (host: string): Collector => ({
      name: 'pings',
      setup(metrics) {
        const set = way(metrics)
        late.push(set)
        return () => set(1, host)
      },
    })
    const hosts = () => {
      const family = (ownership.store.family('seen') ?? ownership.store.family('seen_total')) as GaugeFamily
      return [...family.all].map(({ values }) => values.join())
    }
    const of = (value: Collector) => [{ value, plugin: 'pinger', fault() {}, hold() {} }]
    runner.reconcile([], of(collector('a')))
    await scrape()
    expect(hosts()).toEqual(['a'])
    runner.reconcile([], of(collector('b')))
    await scrape()
    expect(hosts()).toEqual(['b'])
    late[0]!(9, 'a')
    expect(hosts()).toEqual(['b'])
    late[1]!(1, 'c')
    expect(hosts()).toContain('c')
  },
)

test('two collectors keep their label sets of one gauge while one of them is replaced', async () => {
  const { runner, scrape, ownership } = setUp()
  const collector = (host: string): Collector => ({
    name: host,
    setup(metrics) {
      const set = setters['batch of a gauge']!(metrics)
      return () => set(1, host)
    },
  })
  const of = (...all: Collector[]) => all.map((value) => ({ value, plugin: value.name, fault() {}, hold() {} }))
  const [a, before] = [collector('a'), collector('b')]
  const hosts = () => [...(ownership.store.family('seen') as GaugeFamily).all].map(({ values }) => values.join()).sort()
  runner.reconcile([], of(a, before))
  await scrape()
  expect(hosts()).toEqual(['a', 'b'])
  const b = collector('b')
  runner.reconcile([], of(a, b))
  await runner.collect({ due: () => false, rest: async () => {} })
  expect(hosts()).toEqual(['a', 'b'])
  runner.reconcile([], of(b))
  await scrape()
  expect(hosts()).toContain('b')
})

describe('collector runner', () => {
  test('those without a period run at each scrape; one that throws is counted and the others run', async () => {
    const { runner, scrape, value, errors, lines } = setUp()
    const bad = counting('bad', {}, () => {
      throw new Error('no source')
    })
    const late = counting('late', {}, (async () => {}) as () => void)
    runner.reconcile([bad, late, counting('good')])
    await scrape()
    await scrape()
    expect(value('calls_total', '')).toBe(6)
    expect(['bad', 'late', 'good'].map(errors)).toEqual([2, 2, 0])
    expect(lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields?.collector)).toEqual([
      'bad',
      'late',
    ])
  })

  test('a failure reaches the plugin that contributed the collector at the start of the run, and no other', async () => {
    const { clock, runner, scrape } = setUp()
    const faults: string[] = []
    const given = (value: Collector, plugin: string) => ({
      plugin,
      value,
      fault: (error: unknown) => {
        const { code, message } = error as { code: string; message: string }
        faults.push(`${plugin}: ${code}: ${message}`)
      },
      hold() {},
    })
    const bad = counting('bad', {}, () => {
      throw new Error('no source')
    })
    const hangs = { ...counting('hangs', { everyMs: 1_000 }), setup: () => () => clock.sleep(60_000) }
    runner.reconcile([counting('good')], [given(bad, 'old'), given(hangs, 'old')])
    await clock.advance(0)
    runner.reconcile([counting('good')], [given(bad, 'new'), given(hangs, 'new')])
    await clock.advance(5_000)
    await scrape()
    expect(faults).toEqual([
      'old: METRICS_TIMEOUT: collector hangs did not finish within 5000 ms',
      'new: METRICS_COLLECTOR_FAILED: the collector bad failed in a collection: no source',
    ])
  })

  test('a promise is refused where none must be returned, charged to its plugin, and ends nothing', async () => {
    const rejects = (() => Promise.reject(new Error('too late'))) as () => never
    const setups: Record<string, Collector['setup']> = {
      setup: rejects,
      collect: () => rejects,
      observe: (metrics) => {
        const { observe } = metrics.batch()
        return () => observe(rejects)
      },
      read: (metrics) => {
        const batch = metrics.batch()
        batch.gauge({ name: 'a_bytes', help: 'h' }, rejects)
        return batch.observe
      },
    }
    for (const everyMs of [undefined, 1_000]) {
      for (const [what, setup] of Object.entries(setups)) {
        if (what === 'collect' && everyMs !== undefined) continue
        const { clock, runner, scrape } = setUp()
        const faults: unknown[] = []
        const value: Collector = { name: what, setup, ...(everyMs !== undefined && { everyMs }) }
        runner.reconcile([], [{ plugin: 'giver', value, fault: (error) => void faults.push(error), hold() {} }])
        await clock.advance(0)
        await scrape()
        expect([what, faults]).toEqual([what, [expect.objectContaining({ code: 'METRICS_ASYNC' })]])
      }
    }
  })

  test('those with a period run at once and then each period, not at scrapes, and are timed', async () => {
    const { clock, runner, scrape, value } = setUp()
    const slow = { ...counting('slow', { everyMs: 1_000 }), setup: () => () => clock.sleep(250) }
    runner.reconcile([counting('timed', { everyMs: 1_000 }), slow])
    await clock.advance(0)
    await scrape()
    expect(value('calls_total', '')).toBe(1)
    // the test clock takes the middle of the jitter of a tenth
    await clock.advance(1_050 * 3)
    expect(value('calls_total', '')).toBe(4)
    expect(value('arkwatch_collector_duration_seconds', 'slow')).toBe(0.25)
  })

  test('one that hangs is counted as timed out and is not started again while it hangs', async () => {
    const { clock, runner, errors, lines } = setUp()
    let started = 0
    let finish = () => {}
    const hanging: Collector = {
      name: 'hanging',
      everyMs: 1_000,
      timeoutMs: 300,
      setup: () => () => {
        started += 1
        return new Promise((resolve) => {
          finish = resolve
        })
      },
    }
    runner.reconcile([hanging])
    await clock.advance(300)
    expect([started, errors('hanging')]).toEqual([1, 1])
    expect(lines.map(({ fields }) => fields?.code)).toEqual(['METRICS_TIMEOUT'])
    await clock.advance(2_200)
    expect([started, errors('hanging')]).toEqual([1, 3])
    finish()
    await clock.advance(1_050)
    expect(started).toBe(2)
  })

  test('one whose setup fails is counted, logged, and leaves nothing behind', async () => {
    const { clock, runner, ownership, scrape, errors, lines } = setUp()
    const wrong: Collector = {
      name: 'wrong',
      setup(metrics) {
        metrics.gauge({ name: 'half_done', help: 'h' })
        metrics.gauge({ name: 'half_ms', help: 'h' })
        return () => {}
      },
    }
    runner.reconcile([wrong])
    await scrape()
    expect(errors('wrong')).toBe(1)
    expect(lines.at(-1)?.message).toBe('collector could not be set up')
    runner.reconcile([])
    await clock.advance(graceMs)
    expect(ownership.store.family('half_done')).toBeUndefined()
  })

  test('a collector that goes takes its families away, at once from the exposition and later from memory', async () => {
    const { clock, runner, ownership, scrape, errors } = setUp()
    runner.reconcile([counting('one', { everyMs: 1_000 })])
    await scrape()
    runner.reconcile([])
    expect(ownership.isWaiting('calls_total')).toBe(true)
    expect(errors('one')).toBeUndefined()
    await clock.advance(graceMs)
    expect(ownership.store.family('calls_total')).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  test('a successor with the same families goes on with their values, also after a gap', async () => {
    const { clock, runner, scrape, value, ownership } = setUp()
    runner.reconcile([counting('one')])
    await scrape()
    runner.reconcile([counting('one')])
    await scrape()
    expect(value('calls_total', '')).toBe(2)
    runner.reconcile([])
    await clock.advance(graceMs - 1)
    runner.reconcile([counting('one')])
    await scrape()
    await clock.advance(graceMs)
    expect(value('calls_total', '')).toBe(3)
    expect(ownership.isWaiting('calls_total')).toBe(false)
  })

  test('a family that waits for its end makes room for one of another shape', () => {
    const { runner, ownership } = setUp()
    const shaped = (labels: readonly string[]): Collector => ({
      name: 'one',
      setup(metrics) {
        metrics.gauge({ name: 'things', help: 'h', labels })
        return () => {}
      },
    })
    runner.reconcile([shaped(['a'])])
    runner.reconcile([])
    runner.reconcile([shaped(['b'])])
    expect(ownership.store.family('things')?.labelNames).toEqual(['b'])
    expect(ownership.isWaiting('things')).toBe(false)
  })

  test('a family that two collectors share goes with the second one', () => {
    const { runner, ownership } = setUp()
    const [one, two] = [counting('one'), counting('two')]
    runner.reconcile([one, two])
    runner.reconcile([two])
    expect(ownership.isWaiting('calls_total')).toBe(false)
    runner.reconcile([])
    expect(ownership.isWaiting('calls_total')).toBe(true)
  })

  test('one whose setup fails holds its plugin until the way is free, and is tried again then', async () => {
    const { runner, scrape, value } = setUp()
    const faults: unknown[] = []
    const held: (string | undefined)[] = []
    const fault = (error: unknown) => void faults.push(error)
    const hold = (reason: string | undefined) => void held.push(reason)
    const setup: Collector['setup'] = (metrics) => {
      const gauge = metrics.gauge({ name: 'calls_total_now', help: 'h', labels: ['a'] })
      return () => gauge.set({ a: 'x' }, 7)
    }
    const given = { plugin: 'late', value: { name: 'late', setup }, fault, hold }
    const first: Collector = {
      name: 'first',
      setup: (metrics) => () => void metrics.gauge({ name: 'calls_total_now', help: 'h' }),
    }
    runner.reconcile([first])
    await scrape()
    for (let time = 0; time < 3; time += 1) runner.reconcile([first], [given])
    expect(faults).toHaveLength(1)
    expect(held.at(-1)).toStartWith('the collector late could not be set up: metric calls_total_now is registered')
    runner.reconcile([], [given])
    await scrape()
    expect([held.at(-1), value('calls_total_now', 'x')]).toEqual([undefined, 7])
  })

  test('a collection that returns a foreign promise ends with that promise', async () => {
    const { clock, runner, errors } = setUp()
    const foreign = () => (runInNewContext('({ promise: Promise.reject(1) })') as { promise: Promise<void> }).promise
    const rejecting = thenable((_, failed) => failed(new Error('no')))
    runner.reconcile([
      { name: 'realm', everyMs: 1_000, setup: () => foreign },
      { name: 'thenable', everyMs: 1_000, setup: () => () => rejecting as never },
      { name: 'never', everyMs: 1_000, setup: () => () => thenable() as never },
    ])
    await clock.advance(0)
    expect(['realm', 'thenable', 'never'].map(errors)).toEqual([1, 1, 0])
    await clock.advance(5_000)
    expect(errors('never')).toBe(1)
  })
})
