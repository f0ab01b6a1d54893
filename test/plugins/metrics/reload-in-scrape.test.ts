/** A reload during a scrape: the scrape shows what was in force when it began, and later ones what is. */
import { expect, test } from 'bun:test'
import { definePlugin, systemClock, z } from '../../../core/plugin.ts'
import { Metrics } from '../../../plugins/metrics/api.ts'
import metrics from '../../../plugins/metrics/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'

/** A clock by which each look at the time is late, so that a scrape rests after every 16 series. */
function hurried() {
  let nowMs = 0
  const monotonic = () => {
    nowMs += 10
    return nowMs
  }
  return { ...systemClock, monotonic }
}

const series = 2_000
const mailer = definePlugin({
  ...{ api: 1, name: 'mailer', version: '1.0.0', summary: 'A test.', needs: { metrics: Metrics } },
  config: z.strictObject({ waiting: z.int().describe('Mails.'), fails: z.boolean().default(false).describe('Fails.') }),
  setup({ config: { waiting, fails }, needs }) {
    const gauge = needs.metrics.gauge({ name: 'mails_waiting', help: 'h', labels: ['box'], maxSeries: series })
    return {
      start() {
        for (let box = 0; box < series; box += 1) gauge.set({ box: String(box) }, waiting)
      },
      ready() {
        if (fails) throw new Error('no')
      },
    }
  },
})

const config = (env: string, section: object) => ({ plugins: { metrics: { labels: { env } }, mailer: section } })
const shown = (text: string) => ({
  families: text.match(/^# TYPE mails_waiting /gm)?.length,
  values: [
    ...new Set([...text.matchAll(/^mails_waiting\{env="(\w+)",.* (\d+)$/gm)].map(([, env, at]) => `${env} ${at}`)),
  ],
})

test.each([
  ['succeeds', false, { families: 1, values: ['new 2'] }],
  ['fails', true, { families: 1, values: ['old 1'] }],
])('a reload that %s during a scrape', async (_, fails, after) => {
  await using booted = await testRuntime({
    clock: hurried(),
    plugins: [metrics, mailer],
    config: config('old', { waiting: 1 }),
  })
  const service = booted.runtime.service(Metrics)
  let isOver = false
  const scrapes: string[] = []
  const scraping = (async () => {
    while (!isOver) scrapes.push(await service.expose())
  })()
  await booted.reload(config('new', { waiting: 2, fails })).catch(() => {})
  isOver = true
  await scraping
  for (const text of scrapes) {
    const { families, values } = shown(text)
    expect([families, values.length]).toEqual([1, 1])
  }
  expect(shown(await service.expose())).toEqual(after)
})
