import { expect, test } from 'bun:test'
import { definePlugin, z } from '../../../core/plugin.ts'
import { collector, Metrics, type ReaderSeries } from '../../../plugins/metrics/api.ts'
import metrics from '../../../plugins/metrics/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'

/** The plugin metrics whose every change of the configuration is a replacement. */
const replaced = {
  ...metrics,
  setup(context: Parameters<typeof metrics.setup>[0]) {
    const { start, handover, stop, services } = metrics.setup(context)
    return { services, start, handover, stop }
  },
}

const queue = definePlugin({
  api: 1,
  name: 'queue',
  version: '1.0.0',
  summary: 'Observes a total.',
  config: z.strictObject({ total: z.number() }),
  setup: ({ config }) => ({
    contributes: [
      collector({
        name: 'queue',
        setup(factory) {
          const batch = factory.batch()
          batch.counter({ name: 'queue_sent_total', help: 'Sent.' }, () => config.total)
          return batch.observe
        },
      }),
    ],
  }),
})

test.each([
  ['a reconfiguration', metrics],
  ['a replacement', replaced],
])('a reader goes on after %s of metrics, with the same ids', async (_, plugin) => {
  const config = (deny: string[], total: number) => ({ plugins: { metrics: { deny }, queue: { total } } })
  await using booted = await testRuntime({ plugins: [plugin, queue], config: config(['nodejs_'], 5) })
  const ids = new Map<string, number>()
  const removed: string[] = []
  const nameOf = ({ name, labels }: ReaderSeries) => `${name} ${Object.values(labels).join()}`.trim()
  const reader = booted.runtime.service(Metrics).reader({
    added: (series) => void ids.set(nameOf(series), series.id),
    removed: (id) => void removed.push([...ids].find(([, known]) => known === id)![0]),
  })
  await reader.collect()
  const before = new Map(ids)
  expect(reader.read(ids.get('queue_sent_total')!)).toBe(5)
  const steps = await booted.reload(config(['nodejs_', 'arkwatch_config_'], 2))
  expect(steps.map(({ action }) => action)).toContain(plugin === metrics ? 'reconfigure' : 'replace')
  await reader.collect()
  expect(reader.read(ids.get('queue_sent_total')!)).toBe(2)
  expect(removed.length).toBeGreaterThan(0)
  expect(removed.filter((name) => !name.startsWith('arkwatch_config_'))).toEqual([])
  expect([...before].filter(([name, id]) => !removed.includes(name) && ids.get(name) !== id)).toEqual([])
  const values = new Float64Array(reader.size)
  reader.copyTo(values)
  expect(values[ids.get('arkwatch_plugin_state queue,ok')!]).toBe(1)
})
