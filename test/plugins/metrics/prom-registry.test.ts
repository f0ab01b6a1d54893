import { describe, expect, test } from 'bun:test'
import { Counter, Gauge, Histogram, type Registry, register, Summary } from '@prometheus-io/client'
import * as old from 'prom-client'
import { createPace } from '../../../plugins/metrics/exposition/pace.ts'
import { writeText } from '../../../plugins/metrics/exposition/write.ts'
import { collectTimeoutMs, PromRegistry, readRegistries } from '../../../plugins/metrics/prom-registry.ts'
import { testClock } from '../../../testing/test-clock.ts'

function setUp(owned: Readonly<Record<string, string>> = {}) {
  const clock = testClock()
  const prom = new PromRegistry()
  const failures: [string, string][] = []
  const read = () =>
    readRegistries([prom], {
      clock,
      ownerOf: (name) => owned[name],
      failed: (metric, reason) => failures.push([metric, reason]),
    })
  return { clock, prom, registers: [prom.registry] as Registry[], read, failures }
}

describe('prom-client registry', () => {
  test('it is one of its own, never the global one', () => {
    const { prom } = setUp()
    expect(prom.registry).toBe(prom.registry)
    expect(prom.registry).not.toBe(register as unknown as Registry)
    expect(new PromRegistry().registry).not.toBe(prom.registry)
  })

  test('every kind of metric is read, numbers in labels as text', async () => {
    const { registers, read, failures } = setUp()
    new Counter({ name: 'c_total', help: 'C.', labelNames: ['code'], registers }).inc({ code: 200 }, 2)
    new Gauge({ name: 'g', help: 'G.', registers }).set(3)
    new Histogram({ name: 'h_seconds', help: 'H.', labelNames: ['l'], buckets: [1], registers }).observe({ l: 'x' }, 2)
    new Summary({ name: 's_seconds', help: 'S.', percentiles: [0.5], registers }).observe(4)
    const families = await read()
    expect(failures).toEqual([])
    expect(families.flatMap(({ samples }) => samples)).toEqual([
      { name: 'c_total', labels: { code: '200' }, value: 2 },
      { name: 'g', labels: {}, value: 3 },
      { name: 'h_seconds_bucket', labels: { le: '1', l: 'x' }, value: 0 },
      { name: 'h_seconds_bucket', labels: { le: '+Inf', l: 'x' }, value: 1 },
      { name: 'h_seconds_sum', labels: { l: 'x' }, value: 2 },
      { name: 'h_seconds_count', labels: { l: 'x' }, value: 1 },
      { name: 's_seconds', labels: { quantile: '0.5' }, value: 4 },
      { name: 's_seconds_sum', labels: {}, value: 4 },
      { name: 's_seconds_count', labels: {}, value: 1 },
    ])
  })

  test('exemplars are read as they are written', async () => {
    const { registers, read } = setUp()
    registers[0]!.setContentType('application/openmetrics-text; version=1.0.0; charset=utf-8' as never)
    const options = { name: 'h_seconds', help: 'H.', buckets: [1], registers, enableExemplars: true }
    new Histogram(options).observe({ value: 0.5, exemplarLabels: { trace_id: 'a"b' } } as never)
    const [bucket] = (await read())[0]!.samples
    expect(bucket!.exemplar).toMatch(/^ # \{trace_id="a\\"b"\} 0\.5 \d+(\.\d+)?$/)
  })

  test('metrics made with prom-client 15 can be registered in it', async () => {
    const { registers, read } = setUp()
    new old.Counter({ name: 'c_total', help: 'C.', registers: registers as never }).inc()
    expect((await read())[0]?.samples).toEqual([{ name: 'c_total', labels: {}, value: 1 }])
  })

  test('one whose collect throws, hangs or whose name is ours is reported and left out', async () => {
    const { clock, registers, read, failures } = setUp({ ours: 'ours' })
    const collect = () => {
      throw new Error('no source')
    }
    new Gauge({ name: 'bad', help: 'h', registers, collect })
    new Gauge({ name: 'hanging', help: 'h', registers, collect: () => new Promise<void>(() => {}) })
    new Gauge({ name: 'ours', help: 'h', registers })
    new Gauge({ name: 'good', help: 'h', registers }).set(1)
    const reading = read()
    await clock.advance(collectTimeoutMs)
    expect((await reading).map(({ name }) => name)).toEqual(['good'])
    expect(failures.map(([metric]) => metric).sort()).toEqual(['bad', 'hanging', 'ours'])
    expect(failures.map(([, reason]) => reason).join()).toContain('did not finish within 5000 ms')
    expect(clock.pending).toBe(0)
  })

  test('of two metrics that would expose one name, the one registered first is exposed, the other reported', async () => {
    const make = { counter: Counter, gauge: Gauge, histogram: Histogram, summary: Summary }
    const metrics = ['m', 'm_total', 'm_bucket', 'm_sum', 'm_count', 'm_created', 'other'].flatMap((name) =>
      Object.keys(make).map((type) => ({ name, type: type as keyof typeof make })),
    )
    for (const first of metrics) {
      for (const second of metrics.filter(({ name }) => name !== first.name)) {
        const { registers, read, failures } = setUp()
        for (const { name, type } of [first, second]) new make[type]({ name, help: 'h', registers })
        const foreign = await read()
        for (const format of ['prometheus', 'openmetrics'] as const) {
          const owners = new Map<string, string>()
          let family = ''
          const source = { families: () => [], foreign, common: {}, created: true }
          await writeText(source, format, createPace(testClock()), (text) => {
            for (const line of text.split('\n')) {
              const [, header, sample] = /^(?:# TYPE (\S+)|(\w+))/.exec(line) ?? []
              family = header ?? family
              const name = header ?? sample
              if (name !== undefined) expect([line, owners.get(name) ?? family]).toEqual([line, family])
              if (name !== undefined) owners.set(name, family)
            }
          })
        }
        const shown = foreign.map(({ name }) => name)
        expect([...shown, ...failures.map(([metric]) => metric)]).toEqual([first.name, second.name])
        if (failures.length > 0) expect(failures[0]![1]).toContain(`which belongs to metric ${first.name}`)
      }
    }
  })

  test('nothing is loaded or read before it is used', async () => {
    const unused = new PromRegistry()
    expect(await readRegistries([unused], { clock: testClock(), ownerOf: () => undefined, failed: () => {} })).toEqual(
      [],
    )
  })
})
