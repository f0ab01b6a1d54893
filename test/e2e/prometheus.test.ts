import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type ArkwatchProcess, startArkwatch } from '../support/arkwatch-process.ts'
import { type Instance, privatePrometheus, sharedUrl } from '../support/services.ts'

const promtool = process.env.ARKWATCH_TEST_PROMTOOL_BIN
const available = promtool !== undefined && sharedUrl('postgres') !== undefined && sharedUrl('redis') !== undefined

setDefaultTimeout(60_000)

/** Asks until there is an answer: a scrape of another program cannot be awaited. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await Bun.sleep(50)
  }
}

describe.skipIf(!available)('a real Prometheus beside a real PostgreSQL and Redis', () => {
  let arkwatch: ArkwatchProcess
  let prometheus: Instance

  const value = async (query: string): Promise<number | undefined> => {
    const answer = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`)
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } }
    return data.result[0] === undefined ? undefined : Number(data.result[0].value[1])
  }

  beforeAll(async () => {
    arkwatch = await startArkwatch({
      plugins: {
        logging: {},
        metrics: {},
        health: {
          checks: {
            database: { kind: 'postgres', url: sharedUrl('postgres'), every: '1s', critical: true },
            redis: { kind: 'redis', url: sharedUrl('redis'), every: '1s', critical: true },
          },
        },
      },
    })
    prometheus = await privatePrometheus()
    const target = new URL(arkwatch.url).host
    await Bun.write(
      `${prometheus.dir}/prometheus.yml`,
      `global: { scrape_interval: 200ms, scrape_timeout: 200ms }\nscrape_configs: [{ job_name: arkwatch, static_configs: [{ targets: ["${target}"] }] }]\n`,
    )
    await fetch(`${prometheus.url}/-/reload`, { method: 'POST' })
  }, 60_000)
  afterAll(async () => {
    await prometheus?.stop()
    await arkwatch?.stop()
  })

  test('scrapes it: up is 1', async () => {
    expect(await until(() => value('up{job="arkwatch"} == 1'))).toBe(1)
  })

  test('sees the host, the services and the requests with the values that the page gives', async () => {
    await until(() => value('arkrelay_service_health{service_name="database"} == 1'))
    await until(() => value('arkrelay_service_health{service_name="redis"} == 1'))
    const percent = await until(() => value('arkrelay_system_memory_percent'))
    expect(percent).toBeGreaterThan(0)
    expect(percent).toBeLessThan(100)
    for (let count = 0; count < 5; count += 1) await fetch(`${arkwatch.url}/livez`)
    const seen =
      'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/livez",http_response_status_code="200"} >= 5'
    expect(await until(() => value(seen))).toBeGreaterThanOrEqual(5)
  })

  test('promtool finds nothing to say about the metrics', async () => {
    const text = await (await fetch(`${arkwatch.url}/metrics`)).text()
    const run = Bun.spawn([promtool!, 'check', 'metrics'], { stdin: new Blob([text]), stdout: 'pipe', stderr: 'pipe' })
    const said = (await new Response(run.stdout).text()) + (await new Response(run.stderr).text())
    expect(said).toBe('')
    expect(await run.exited).toBe(0)
  })
})
