/** Metrics end with who registered them: an instance of a plugin, or the application. */
import { expect, test } from 'bun:test'
import { Counter, type Registry } from '@prometheus-io/client'
import { definePlugin, z } from '../../../core/plugin.ts'
import { type Gauge, Metrics } from '../../../plugins/metrics/api.ts'
import metrics from '../../../plugins/metrics/index.ts'
import { graceMs } from '../../../plugins/metrics/storage/ownership.ts'
import { type TestRuntime, testRuntime } from '../../../testing/test-runtime.ts'

const phases = ['setup', 'start', 'ready'] as const

/** Ways to register a counter. @returns adds one */
const ways = {
  family(service: Metrics, label: string) {
    const family = service.counter({ name: 'worked_total', help: 'h', labels: label ? [label] : [] })
    return () => family.inc(label ? { [label]: 'x' } : {})
  },
  batch(service: Metrics, label: string) {
    let total = 0
    const { counter, observe } = service.batch()
    const family = counter<string>({ name: 'worked_total', help: 'h', labels: label ? [label] : [] })
    return () => observe(() => family.set(++total, label ? { [label]: 'x' } : {}))
  },
  client(service: Metrics, label: string) {
    const registers = [service.registry as Registry]
    const counter = new Counter({ name: 'worked_total', help: 'h', labelNames: label ? [label] : [], registers })
    return () => counter.inc(label ? { [label]: 'x' } : {})
  },
} satisfies Record<string, (service: Metrics, label: string) => () => void>
const eachWay = Object.entries(ways)

const exposed = async ({ runtime }: TestRuntime) =>
  (await runtime.service(Metrics).expose()).split('\n').filter((line) => line.startsWith('worked_total'))

/** A plugin that counts in what its setup registered. `work` is that of the instance that started last. */
function worker(register: (service: Metrics, label: string) => () => void, isExclusive = false) {
  const works: (() => void)[] = []
  const schema = z.strictObject({
    label: z.string().default('').describe('A label.'),
    fails: z.enum(phases).optional().describe('The phase that fails.'),
  })
  const plugin = definePlugin({
    ...{ api: 1, name: 'worker', version: '1.0.0', summary: 'A test.', config: schema, needs: { metrics: Metrics } },
    exclusive: isExclusive,
    setup({ config: { label, fails }, needs }) {
      const work = register(needs.metrics, label)
      const at = (phase: string) => () => {
        if (fails === phase) throw new Error('not now')
      }
      at('setup')()
      works.push(work)
      return { start: at('start'), ready: at('ready') }
    },
  })
  return { plugin, works }
}
const withWorker = (section: object, service = {}) => ({ plugins: { metrics: service, worker: section } })

test.each(eachWay)('a disabled plugin exposes nothing of what it registered: %s', async (_, register) => {
  const { plugin, works } = worker(register)
  await using booted = await testRuntime({ plugins: [metrics, plugin], config: withWorker({}) })
  works[0]!()
  expect(await exposed(booted)).toEqual(['worked_total 1'])
  await booted.reload(withWorker({ enabled: false }))
  expect(await exposed(booted)).toEqual([])
  works[0]!()
  await booted.clock.advance(graceMs)
  expect(await exposed(booted)).toEqual([])
  await booted.reload(withWorker({}))
  works[1]!()
  expect(await exposed(booted)).toEqual(['worked_total 1'])
})

test.each(eachWay)('a restart and changed labels replace what a plugin registered: %s', async (way, register) => {
  const { plugin, works } = worker(register)
  await using booted = await testRuntime({ plugins: [metrics, plugin], config: withWorker({}) })
  works[0]!()
  await booted.runtime.restart('worker')
  works[1]!()
  expect(await exposed(booted)).toEqual([`worked_total ${way === 'family' ? 2 : 1}`])
  await booted.reload(withWorker({ label: 'kind' }))
  works[2]!()
  expect(await exposed(booted)).toEqual(['worked_total{kind="x"} 1'])
  await booted.reload(withWorker({}))
  works[3]!()
  expect(await exposed(booted)).toEqual(['worked_total 1'])
})

const failures = eachWay.flatMap(([way]) =>
  phases.flatMap((phase) =>
    ['', 'kind'].flatMap((label) => [false, true].map((waits) => ({ way, phase, label, waits }))),
  ),
)
test.each(failures)(
  'what a plugin registered counts on where a reload fails: $way, $phase, label "$label", waits $waits',
  async ({ way, phase, label, waits }) => {
    const { plugin, works } = worker(ways[way as keyof typeof ways])
    await using booted = await testRuntime({ plugins: [metrics, plugin], config: withWorker({}) })
    works[0]!()
    if (waits) await booted.clock.advance(graceMs)
    expect(await booted.reload(withWorker({ label, fails: phase })).catch(({ code }) => code)).toBe('RELOAD_FAILED')
    if (waits) await booted.clock.advance(graceMs)
    works[0]!()
    expect(await exposed(booted)).toEqual(['worked_total 2'])
    expect(booted.runtime.status().plugins.find(({ name }) => name === 'worker')!.reason).toBe('')
  },
)

test('an exclusive plugin, started again after a reload that failed, continues its values', async () => {
  const { plugin, works } = worker(ways.family, true)
  await using booted = await testRuntime({ plugins: [metrics, plugin], config: withWorker({}) })
  works[0]!()
  expect(await booted.reload(withWorker({ label: 'kind', fails: 'start' })).catch(({ code }) => code)).toBe(
    'RELOAD_FAILED',
  )
  works.at(-1)!()
  expect(await exposed(booted)).toEqual(['worked_total 2'])
})

test('a metric whose name another plugin has is refused, and the plugin that keeps the name stays', async () => {
  const { plugin, works } = worker(ways.family)
  const other = { ...worker(ways.family).plugin, name: 'other' }
  const config = (label: string) => ({ plugins: { metrics: {}, worker: {}, other: { label } } })
  await using booted = await testRuntime({ plugins: [metrics, plugin, other], config: config('') })
  works[0]!()
  expect(await booted.reload(config('kind')).catch(({ message }) => message)).toContain(
    'was asked for as counter(kind)',
  )
  expect(await exposed(booted)).toEqual(['worked_total 1'])
})

test('a plugin whose metric finds its name taken at the swap is degraded until the name is free', async () => {
  const { plugin } = worker(ways.family)
  const other = { ...worker(ways.family).plugin, name: 'other' }
  const config = (label: string, section: object) => ({ plugins: { metrics: {}, worker: { label }, other: section } })
  await using booted = await testRuntime({ plugins: [metrics, plugin, other], config: config('', { enabled: false }) })
  const reason = () => booted.runtime.status().plugins.find(({ name }) => name === 'worker')!.reason
  await booted.reload(config('kind', {}))
  expect(reason()).toContain('worked_total is registered as counter()')
  await booted.reload(config('kind', { enabled: false }))
  expect(reason()).toBe('')
})

const breaks = {
  'a restart': async ({ runtime }: TestRuntime) => void (await runtime.restart('metrics')),
  'off and on': async (booted: TestRuntime) => {
    await booted.reload({ plugins: { metrics: { enabled: false } } })
    await booted.reload({ plugins: { metrics: {} } })
  },
}
const applications = eachWay.flatMap(([way]) => Object.keys(breaks).map((what) => [way, what] as const))
test.each(applications)('what the application registered survives metrics: %s, %s', async (way, what) => {
  await using booted = await testRuntime({ plugins: [metrics], config: { plugins: { metrics: {} } } })
  const service = booted.runtime.service(Metrics)
  const work = ways[way as keyof typeof ways](service, '')
  work()
  await breaks[what as keyof typeof breaks](booted)
  work()
  expect(await exposed(booted)).toEqual(['worked_total 2'])
  expect(booted.runtime.service(Metrics)).toBe(service)
})

test('a reader of before a restart of metrics reads on, and rejects while metrics is off', async () => {
  await using booted = await testRuntime({ plugins: [metrics], config: { plugins: { metrics: {} } } })
  const service = booted.runtime.service(Metrics)
  const work = ways.family(service, '')
  const ids = new Map<number, string>()
  const reader = service.reader({
    added: ({ id, name }) => void ids.set(id, name),
    removed: (id) => void ids.delete(id),
  })
  await reader.collect()
  const [id] = [...ids].find(([, name]) => name === 'worked_total')!
  await booted.runtime.restart('metrics')
  work()
  await reader.collect()
  expect([ids.get(id), reader.read(id)]).toEqual(['worked_total', 1])
  expect([...ids.values()]).toContain('arkwatch_plugin_start_seconds')
  await booted.reload({ plugins: { metrics: { enabled: false } } })
  for (const use of [() => reader.collect(), () => service.expose(), () => service.visit(() => {})])
    expect(await use().then(String, ({ code }) => code)).toBe('METRICS_STOPPED')
})

test('a gauge begins anew with each instance, and continues where a reload fails', async () => {
  const gauges: { set(labels: { host: string }, value: number): void }[] = []
  const plugin = definePlugin({
    ...{ api: 1, name: 'pinger', version: '1.0.0', summary: 'A test.', needs: { metrics: Metrics } },
    config: z.strictObject({ hosts: z.string().default('').describe('Hosts.') }),
    setup({ config: { hosts }, needs }) {
      const gauge = needs.metrics.gauge({ name: 'worked_total_up', help: 'h', labels: ['host'] })
      gauges.push(gauge)
      return {
        start() {
          for (const host of hosts.split(' ')) gauge.set({ host }, gauges.length)
          if (hosts === 'bad') throw new Error('no such host')
        },
      }
    },
  })
  const config = (section: object) => ({ plugins: { metrics: {}, pinger: section } })
  await using booted = await testRuntime({ plugins: [metrics, plugin], config: config({ hosts: 'a b' }) })
  const seen = async () => (await exposed(booted)).map((line) => line.replace('worked_total_up', ''))
  expect(await seen()).toEqual(['{host="a"} 1', '{host="b"} 1'])
  await booted.reload(config({ hosts: 'b' }))
  expect(await seen()).toEqual(['{host="b"} 2'])
  gauges[0]!.set({ host: 'a' }, 9)
  await expect(booted.reload(config({ hosts: 'bad' }))).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
  gauges[1]!.set({ host: 'c' }, 3)
  expect(await seen()).toEqual(['{host="b"} 2', '{host="c"} 3'])
  await booted.reload(config({ enabled: false }))
  await booted.reload(config({ hosts: 'a' }))
  expect(await seen()).toEqual(['{host="a"} 4'])
  await booted.runtime.restart('metrics')
  expect(await seen()).toEqual(['{host="a"} 5'])
  await booted.clock.advance(graceMs)
  expect(await seen()).toEqual(['{host="a"} 5'])
})

/** A plugin that sets a gauge for itself. */
const sharer = (name: string) =>
  definePlugin({
    ...{ api: 1, name, version: '1.0.0', summary: 'A test.', needs: { metrics: Metrics } },
    config: z.strictObject({ fails: z.boolean().default(false).describe('Fails.') }),
    setup({ config: { fails }, needs }) {
      const gauge = needs.metrics.gauge({ name: 'worked_total_up', help: 'h', labels: ['by'] })
      return {
        start() {
          if (fails) throw new Error('no')
          gauge.set({ by: name }, 1)
        },
      }
    },
  })

test.each<[string, object]>([
  ['were both off', { enabled: false }],
  ['both failed', { fails: true }],
])('two plugins share a gauge again after they %s', async (_, off) => {
  const config = (section: object) => ({ plugins: { metrics: {}, one: section, two: section } })
  const plugins = [metrics, sharer('one'), sharer('two')]
  await using booted = await testRuntime({ plugins, config: config('fails' in off ? off : {}) })
  if (!('fails' in off)) await booted.reload(config(off))
  expect(await exposed(booted)).toEqual([])
  await booted.reload(config({}))
  expect(await exposed(booted)).toEqual(['worked_total_up{by="one"} 1', 'worked_total_up{by="two"} 1'])
  expect(booted.runtime.status().plugins.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok'])
})

test('a refused reload leaves the totals that the running instance observes', async () => {
  const works: (() => void)[] = []
  const plugin = definePlugin({
    ...{ api: 1, name: 'worker', version: '1.0.0', summary: 'A test.', needs: { metrics: Metrics } },
    config: z.strictObject({ fails: z.boolean().default(false).describe('Fails.') }),
    setup({ config: { fails }, needs }) {
      const work = ways.batch(needs.metrics, '')
      works.push(work)
      return {
        start: work,
        ready() {
          if (fails) throw new Error('no')
        },
      }
    },
  })
  await using booted = await testRuntime({ plugins: [metrics, plugin], config: withWorker({}) })
  for (let count = 0; count < 10; count += 1) works[0]!()
  expect(await exposed(booted)).toEqual(['worked_total 11'])
  await expect(booted.reload(withWorker({ fails: true }))).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
  expect(await exposed(booted)).toEqual(['worked_total 11'])
})

test('what an ended instance registers again does not reach its successor', async () => {
  const asked: (() => Gauge)[] = []
  const plugin = definePlugin({
    ...{ api: 1, name: 'link', version: '1.0.0', summary: 'A test.', needs: { metrics: Metrics } },
    config: z.strictObject({ url: z.string().default('one').describe('URL.') }),
    setup({ config: { url }, needs }) {
      const up = () => needs.metrics.gauge({ name: 'worked_total_up', help: 'h', labels: ['url'] })
      asked.push(up)
      return { start: () => up().set({ url }, 1) }
    },
  })
  const config = (url: string) => ({ plugins: { metrics: {}, link: { url } } })
  await using booted = await testRuntime({ plugins: [metrics, plugin], config: config('one') })
  await booted.reload(config('two'))
  asked[0]!().set({ url: 'one' }, 0)
  asked[0]!().set({ url: 'two' }, 0)
  asked[0]!().remove({})
  expect(await exposed(booted)).toEqual(['worked_total_up{url="two"} 1'])
  asked[1]!().set({ url: 'three' }, 3)
  expect(await exposed(booted)).toContain('worked_total_up{url="three"} 3')
})

test('an instance that registers two metrics with one sample name is told so by the second call', async () => {
  const plugin = definePlugin({
    ...{ api: 1, name: 'twice', version: '1.0.0', summary: 'A test.', needs: { metrics: Metrics } },
    config: z.strictObject({}),
    setup({ needs: { metrics: service } }) {
      service.counter({ name: 'worked_total', help: 'h' })
      service.gauge({ name: 'worked', help: 'h' })
      return {}
    },
  })
  await using booted = await testRuntime({ plugins: [metrics, plugin], config: { plugins: { metrics: {} } } })
  const { state, reason } = booted.runtime.status().plugins.find(({ name }) => name === 'twice')!
  expect([state, reason]).toEqual(['failed', expect.stringContaining('worked')])
})
