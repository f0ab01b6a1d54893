import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { ReaderSeries } from '../../../../plugins/metrics/api.ts'
import { labelText, prometheusNumber } from '../../../../plugins/metrics/exposition/notation.ts'
import { createPace } from '../../../../plugins/metrics/exposition/pace.ts'
import { Reader } from '../../../../plugins/metrics/exposition/series-reader.ts'
import { type ExposedSource, visitAll, writeText } from '../../../../plugins/metrics/exposition/write.ts'
import type { ForeignFamily } from '../../../../plugins/metrics/prom-registry.ts'
import { MetricStore } from '../../../../plugins/metrics/storage/store.ts'
import { testClock } from '../../../../testing/test-clock.ts'

/** A reader over a store, and the series that its callbacks reported. */
function opened(limit?: number) {
  const clock = testClock()
  const store = new MetricStore(clock)
  const exposed = { common: {} as Record<string, string>, foreign: [] as ForeignFamily[], hidden: '' }
  const source = (): ExposedSource => ({
    families: () => [...store.families()].filter(({ name }) => name !== exposed.hidden),
    foreign: exposed.foreign,
    common: exposed.common,
    created: false,
  })
  const known = new Map<number, ReaderSeries>()
  const events: string[] = []
  const nameOf = ({ name, labels }: ReaderSeries) => name + labelText(Object.entries(labels))
  const reader = new Reader(
    () => ({ clock, collect: async () => source() }),
    {
      added(series) {
        if (known.has(series.id)) throw new Error(`id ${series.id} is in use`)
        known.set(series.id, series)
        events.push(`+${nameOf(series)}`)
      },
      removed(id) {
        const series = known.get(id)
        if (series === undefined) throw new Error(`id ${id} is not in use`)
        known.delete(id)
        events.push(`-${nameOf(series)}`)
      },
    },
    limit,
  )
  return {
    store,
    exposed,
    reader,
    known,
    events,
    idOf: (name: string) => [...known.values()].find((series) => nameOf(series) === name)?.id,
    /** What the reader and the exposition say, as lines of text. */
    async both() {
      await reader.collect()
      const values = new Float64Array(reader.size)
      reader.copyTo(values)
      const copied = [...known.values()].map(
        (series) => `${nameOf(series)} ${prometheusNumber(values[series.id]!)} ${reader.read(series.id)}`,
      )
      const unused = [...values.keys()].filter((id) => !known.has(id))
      expect(unused.map((id) => [values[id], reader.read(id)])).toEqual(unused.map(() => [Number.NaN, undefined]))
      let text = ''
      await writeText(source(), 'prometheus', createPace(clock), (piece) => {
        text += piece
      })
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
      return {
        copied: copied.sort(),
        exposed: lines.map((line) => `${line} ${Number(line.split(' ').at(-1)?.replace('Inf', 'Infinity'))}`).sort(),
      }
    },
  }
}

const one = (name: string, labels: readonly string[] = ['a']) => ({ name, help: 'h', labels })

describe('a reader', () => {
  const value = fc.constantFrom('x', 'y', 'z', '')
  const command = fc.record({
    do: fc.constantFrom(
      'count',
      'set',
      'observe',
      'summarise',
      'remove',
      'drop',
      'hide',
      'label',
      'foreign',
      'collect',
    ),
    a: value,
    by: fc.integer({ min: 0, max: 9 }),
  })

  test('says what the exposition says, over generated operations, and gives no id twice', async () => {
    const property = fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const { store, exposed, both } = opened()
      for (const { do: what, a, by } of commands) {
        const families = {
          count: () => store.counter({ ...one('c_total'), maxSeries: 2 }).inc({ a }, by),
          set: () => store.gauge(one('g')).set({ a }, by - 5),
          observe: () => store.histogram({ ...one('h_seconds'), buckets: [1, 5] }).observe({ a }, by),
          summarise: () => store.summary({ ...one('s_seconds'), quantiles: [0.5] }).observe({ a }, by),
          remove: () => {
            for (const family of store.families()) if (family.labelNames.includes('a')) family.remove({ a })
          },
          drop: () => {
            const entry = store.entry(['c_total', 'g', 'h_seconds', 's_seconds'][by % 4]!)
            if (entry !== undefined) store.drop(entry)
          },
          hide: () => {
            exposed.hidden = by > 4 ? 'g' : ''
          },
          label: () => {
            exposed.common = by > 6 ? { env: a } : {}
          },
          foreign: () => {
            const samples = a === '' ? [] : [{ name: 'theirs', labels: { a }, value: by }]
            exposed.foreign = [{ name: 'theirs', type: 'gauge' as const, help: 'h', samples }]
          },
          collect: async () => {
            const said = await both()
            expect(said.copied).toEqual(said.exposed)
          },
        }
        await families[what]()
      }
      const said = await both()
      expect(said.copied).toEqual(said.exposed)
    })
    await fc.assert(property, { numRuns: 150 })
  })

  test('keeps the ids of series while others come and go', async () => {
    const { store, reader, events, idOf } = opened()
    const gauge = store.gauge(one('g'))
    for (const a of ['x', 'y']) gauge.set({ a }, 1)
    await reader.collect()
    const before = idOf('g{a="y"}')
    expect(before).toBeDefined()
    await reader.collect()
    gauge.remove({ a: 'x' })
    gauge.set({ a: 'z' }, 2)
    events.length = 0
    const freed = idOf('g{a="x"}')
    await reader.collect()
    expect(events).toEqual(['-g{a="x"}', '+g{a="z"}'])
    expect([idOf('g{a="y"}'), idOf('g{a="z"}')]).toEqual([before, freed])
  })

  test('numbers the overflow series, and forgets it with the others', async () => {
    const { store, events, reader, idOf } = opened()
    const counter = store.counter({ ...one('c_total'), maxSeries: 1 })
    for (const a of ['x', 'y', 'z']) counter.inc({ a })
    await reader.collect()
    expect(reader.read(idOf('c_total{a="__overflow__"}')!)).toBe(2)
    counter.remove({})
    await reader.collect()
    expect(events.filter((event) => event.startsWith('-'))).toEqual(['-c_total{a="x"}', '-c_total{a="__overflow__"}'])
  })

  test('copies NaN for a series that was removed since the collection, though its place was taken', async () => {
    const { store, reader, idOf } = opened()
    const gauge = store.gauge(one('g'))
    gauge.set({ a: 'x' }, 1)
    await reader.collect()
    gauge.remove({})
    gauge.set({ a: 'y' }, 7)
    const values = new Float64Array(reader.size)
    reader.copyTo(values)
    expect([values[idOf('g{a="x"}')!], reader.read(idOf('g{a="x"}')!)]).toEqual([Number.NaN, undefined])
  })

  test('gives ids up to its limit, counts what it left out, and fills a short target with the first values', async () => {
    const { store, reader, known } = opened(3)
    const gauge = store.gauge(one('g'))
    for (let index = 0; index < 5; index += 1) gauge.set({ a: String(index) }, index)
    await reader.collect()
    expect([known.size, reader.size, reader.omitted]).toEqual([3, 3, 2])
    const short = new Float64Array(2)
    reader.copyTo(short)
    expect([...short]).toEqual([0, 1])
    gauge.remove({ a: '0' })
    await reader.collect()
    expect([known.size, reader.omitted]).toEqual([3, 1])
  })

  test('reports nothing once it is closed, during a collection too', async () => {
    const { store, reader, known } = opened()
    store.gauge(one('g')).set({ a: 'x' }, 1)
    const collecting = reader.collect()
    reader.close()
    await collecting
    await reader.collect()
    expect([known.size, reader.size, reader.read(0)]).toEqual([0, 0, undefined])
  })

  test.each(['added', 'removed'] as const)('refuses a promise of %s, whose rejection ends nothing', async (name) => {
    const clock = testClock()
    const store = new MetricStore(clock)
    const gauge = store.gauge(one('g_bytes'))
    const collect = async () => ({ families: () => store.families(), foreign: [], common: {}, created: false })
    const rejects = (() => Promise.reject(new Error('too late'))) as () => never
    const reader = new Reader(() => ({ clock, collect }), { added() {}, removed() {}, [name]: rejects })
    const run = async () => {
      gauge.set({ a: 'x' }, 1)
      await reader.collect()
      gauge.remove({})
      await reader.collect()
    }
    await expect(run()).rejects.toMatchObject({ code: 'METRICS_ASYNC' })
    gauge.set({ a: 'x' }, 1)
    await expect(visitAll(await collect(), createPace(clock), rejects)).rejects.toMatchObject({ code: 'METRICS_ASYNC' })
  })
})
