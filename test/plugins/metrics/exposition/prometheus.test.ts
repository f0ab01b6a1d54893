import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { systemClock } from '../../../../core/process/clock.ts'
import { openMetricsFloat } from '../../../../plugins/metrics/exposition/notation.ts'
import { createPace } from '../../../../plugins/metrics/exposition/pace.ts'
import { Scraper } from '../../../../plugins/metrics/exposition/scrape.ts'
import { type ExposedSource, visitAll } from '../../../../plugins/metrics/exposition/write.ts'
import { MetricStore } from '../../../../plugins/metrics/storage/store.ts'
import { type Instance, privatePrometheus } from '../../../support/services.ts'

interface Vector {
  readonly data: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] }
}

const keyOf = (name: string, labels: Readonly<Record<string, string>>) =>
  JSON.stringify([name, Object.entries(labels).sort()])

describe.skipIf(!process.env.ARKWATCH_TEST_PROMETHEUS_BIN)('a real Prometheus', () => {
  let prometheus: Instance | undefined
  beforeAll(async () => {
    prometheus = await privatePrometheus()
  }, 30_000)
  afterAll(() => prometheus?.stop())

  function fill(store: MetricStore) {
    const counter = store.counter({
      name: 'a_seconds_total',
      help: 'With "quotes", \\ and\nlines.',
      labels: ['l', 'm'],
    })
    const awkward = ['', 'plain', 'a"b', 'back\\slash', 'new\nline', '\\n', 'snow ☃ and 😀', '{a="b"}', ' blanks ', '#']
    for (const [index, value] of awkward.entries()) {
      counter.inc({ l: value, m: 'x' }, index + 0.1, { trace_id: `${index}"\\\n☃` })
    }
    const gauge = store.gauge({ name: 'b_bytes', help: 'B.', labels: ['l'] })
    for (const value of [
      0,
      -1.5,
      1e21,
      5e-324,
      1.7976931348623157e308,
      2 ** 53,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ]) {
      gauge.set({ l: `${value}` }, value)
    }
    const buckets = [0.005, 0.5, 1, 2.5, 10, 1e6, 2e6]
    const histogram = store.histogram({ name: 'c_seconds', help: 'C.', labels: ['l'], buckets })
    for (let index = 0; index < 500; index += 1) {
      histogram.observe({ l: `${index % 3}` }, 1.3 ** (index % 70) / 1_000, { trace_id: `${index}` })
    }
    store.histogram({ name: 'd_seconds', help: 'D.', buckets: [1] })
    const summary = store.summary({ name: 'e_seconds', help: 'E.', quantiles: [0, 0.5, 1] })
    for (let index = 1; index <= 100; index += 1) summary.observe({}, index)
  }

  test('negotiates OpenMetrics and holds every value, bucket and label as we hold it', async () => {
    const store = new MetricStore(systemClock)
    fill(store)
    const source: ExposedSource = {
      families: () => store.families(),
      foreign: [],
      common: { env: 'a "b"' },
      created: true,
    }
    const scraper = new Scraper({ clock: systemClock, source: async () => source })
    const answered: string[] = []
    using server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch(request) {
        const response = await scraper.respond(request, true)
        answered.push(`${response.headers.get('content-type')} ${response.headers.get('content-encoding')}`)
        return response
      },
    })
    const jobs = [
      { job_name: 'ours', scrape_interval: '1s', static_configs: [{ targets: [`127.0.0.1:${server.port}`] }] },
    ]
    await Bun.write(join(prometheus!.dir, 'prometheus.yml'), JSON.stringify({ scrape_configs: jobs }))
    await fetch(`${prometheus!.url}/-/reload`, { method: 'POST' })

    const query = async (expression: string) =>
      (
        (await (
          await fetch(`${prometheus!.url}/api/v1/query?query=${encodeURIComponent(expression)}`)
        ).json()) as Vector
      ).data.result
    // waits for a scrape of another process
    for (let tries = 0; tries < 200 && (await query('up{job="ours"} == 1')).length === 0; tries += 1)
      await Bun.sleep(50)
    expect(answered[0]).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8 gzip')

    const theirs = new Map<string, number>()
    const created: number[] = []
    for (const { metric, value } of await query('{job="ours", env!=""}')) {
      const { __name__, job: _, instance: __, ...labels } = metric
      if (__name__!.endsWith('_created')) {
        created.push(Number(value[1]) * 1_000)
        continue
      }
      theirs.set(keyOf(__name__!, labels), Number(value[1].replace('Inf', 'Infinity')))
    }
    const ours = new Map<string, number>()
    await visitAll(source, createPace(systemClock), (_, name, { le, quantile, ...labels }, value) => {
      const float = (text: string) => openMetricsFloat(Number(text.replace('Inf', 'Infinity')))
      const bound = le !== undefined ? { le: float(le) } : quantile !== undefined ? { quantile: float(quantile) } : {}
      const nonEmpty = Object.fromEntries(Object.entries({ ...labels, ...bound }).filter(([, text]) => text !== ''))
      ours.set(keyOf(name, nonEmpty), value)
    })
    expect(created).toHaveLength(10 + 3 + 1 + 1)
    for (const ms of created) expect(Math.abs(ms - systemClock.now())).toBeLessThan(60_000)
    expect(ours.size).toBeGreaterThan(50)
    expect([...theirs].sort()).toEqual([...ours].sort())

    const [p50] = await query('histogram_quantile(0.5, sum by (le) (c_seconds_bucket))')
    expect(Number(p50!.value[1])).toBeGreaterThan(0)
    const metadata = await (await fetch(`${prometheus!.url}/api/v1/metadata?metric=a_seconds`)).json()
    expect((metadata as { data: unknown }).data).toEqual({
      a_seconds: [{ type: 'counter', help: 'With "quotes", \\ and\nlines.', unit: 'seconds' }],
    })
  }, 30_000)
})
