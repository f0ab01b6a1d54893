import { describe, expect, test } from 'bun:test'
import { gunzipSync } from 'node:zlib'
import { Gauge, type Registry } from '@prometheus-io/client'
import { definePlugin } from '../../../core/contract/definition.ts'
import { z } from '../../../core/plugin.ts'
import { systemClock } from '../../../core/process/clock.ts'
import host from '../../../plugins/host/index.ts'
import { collector, jsonView, Metrics } from '../../../plugins/metrics/api.ts'
import metrics from '../../../plugins/metrics/index.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { throughMoves } from '../../support/moving-listener.ts'
import { freePort } from '../../support/services.ts'

const promtool = process.env.ARKWATCH_TEST_PROMTOOL_BIN

pluginContract(metrics)

const boot = (config: Record<string, unknown> = {}, plugins: readonly unknown[] = []) =>
  testRuntime({ plugins: [metrics, ...plugins], config: { plugins: { metrics: config } } })
const lineOf = (text: string, start: string) => text.split('\n').find((line) => line.startsWith(start))

describe('metrics plugin', () => {
  test('what a plugin author counts is exposed with the metrics of requests and of the runtime', async () => {
    const mine = definePlugin({
      api: 1,
      name: 'mine',
      version: '1.0.0',
      summary: 'Counts jobs.',
      config: z.strictObject({}),
      needs: { metrics: Metrics },
      setup({ needs }) {
        const jobs = needs.metrics.counter({ name: 'jobs_total', help: 'Jobs by kind.', labels: ['kind'] })
        return { start: () => jobs.inc({ kind: 'mail' }, 3) }
      },
    })
    await using booted = await boot({ app: { version: '1.2', revision: 'abc' } }, [mine])
    await booted.fetch('/missing')
    const response = await booted.fetch('/metrics')
    const text = await response.text()
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    for (const line of [
      'jobs_total{kind="mail"} 3',
      'http_server_request_duration_seconds_count{http_request_method="GET",http_route="__unmatched",http_response_status_code="404"} 1',
      'http_server_active_requests 1',
      'arkwatch_plugin_state{plugin="mine",state="ok"} 1',
      'arkwatch_plugin_state{plugin="mine",state="failed"} 0',
      'arkwatch_plugin_errors_total{plugin="metrics"} 0',
      'arkwatch_config_last_reload_success 1',
      'arkwatch_config_generation 1',
      'app_build_info{version="1.2",revision="abc"} 1',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(text).toMatch(/^arkwatch_build_info\{version="[^"]+",bun_version="[^"]+"\} 1$/m)
    expect(text).not.toContain('arkrelay_request_duration_seconds')
  })

  test('a collector whose name is taken is left out, and one that fails is named', async () => {
    const giver = definePlugin({
      ...{ api: 1, name: 'giver', version: '1.0.0', summary: 'Contributes.', config: z.strictObject({}) },
      setup: () => ({
        contributes: [
          collector({ name: 'twice', setup: () => () => {} }),
          collector({ name: 'twice', setup: () => () => {} }),
          collector({ name: 'empty', setup: () => undefined as never }),
        ],
      }),
    })
    await using booted = await boot({}, [giver])
    const reason = () => booted.runtime.status().plugins.find(({ name }) => name === 'giver')!.reason
    const failed = 'the collector empty failed in its setup: it returned undefined: expected a function'
    expect(reason()).toBe(`a contribution to metrics.collector threw: ${failed}`)
    await booted.clock.advance(61_000)
    expect(reason()).toContain('the collector empty could not be set up')
    const logged = booted.lines.map(({ message }) => message).join()
    expect(logged).toContain('the name twice belongs to giver')
  })

  test('a JSON view that throws is a 500 and degrades the plugin that contributed the view', async () => {
    const viewer = definePlugin({
      api: 1,
      name: 'viewer',
      version: '1.0.0',
      summary: 'Throws.',
      config: z.strictObject({}),
      setup: () => ({ contributes: [jsonView({ render: () => Promise.reject(new Error('no view')) })] }),
    })
    await using booted = await boot({}, [viewer])
    const response = await booted.fetch('/metrics', { headers: { accept: 'application/json' } })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('no view')
    expect(booted.runtime.status().plugins.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'metrics ok',
      'viewer degraded',
      'host ok',
    ])
  })

  test('OpenMetrics and compression are given to those who accept them', async () => {
    await using booted = await boot()
    const headers = { accept: 'application/openmetrics-text; version=1.0.0', 'accept-encoding': 'gzip' }
    const response = await booted.fetch('/metrics', { headers })
    expect(response.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(response.headers.get('vary')).toBe('Accept, Accept-Encoding')
    expect(gunzipSync(await response.arrayBuffer()).toString()).toEndWith('# EOF\n')
    await booted.reload({ plugins: { metrics: { gzip: false } } })
    expect((await booted.fetch('/metrics', { headers })).headers.get('content-encoding')).toBeNull()
  })

  test('every option is taken without a restart, and series keep their values', async () => {
    await using booted = await boot()
    await booted.fetch('/missing')
    const service = booted.runtime.service(Metrics)
    const jobs = service.counter({ name: 'jobs_total', help: 'Jobs.', labels: ['kind'] })
    jobs.inc({ kind: 'a' })
    const steps = await booted.reload({
      plugins: {
        metrics: {
          path: '/_m',
          labels: { env: 'prod' },
          deny: ['nodejs_'],
          maxSeries: 1,
          compatibility: true,
          http: { maxSeries: 50 },
        },
      },
    })
    expect(steps.map(({ plugin, action }) => `${plugin} ${action}`)).toEqual(['metrics reconfigure', 'host untouched'])
    jobs.inc({ kind: 'b' })
    expect((await booted.fetch('/metrics')).status).toBe(404)
    const text = await (await booted.fetch('/_m')).text()
    expect(text).toContain('jobs_total{env="prod",kind="a"} 1\n')
    expect(text).toContain('jobs_total{env="prod",kind="__overflow__"} 1\n')
    expect(text).toContain('arkwatch_metrics_overflow_total{env="prod",metric="jobs_total"} 1\n')
    expect(text).toContain(
      'arkrelay_request_duration_seconds_count{env="prod",endpoint="__unmatched",method="GET"} 2\n',
    )
    expect(text).not.toMatch(/^nodejs_/m)
    await booted.reload({ plugins: { metrics: { http: { enabled: false } } } })
    const without = await (await booted.fetch('/metrics')).text()
    expect(without).not.toContain('http_server_request_duration_seconds')
    expect(without).not.toContain('arkrelay_request_duration_seconds')
    expect(without).toContain('jobs_total{kind="a"} 1\n')
  })

  test('a listener of its own serves the path, the public one then does not', async () => {
    await using booted = await boot({ listen: { port: 0 } })
    const urlOf = () => booted.runtime.status().listeners.find(({ name }) => name === 'metrics')?.url
    const first = urlOf()!
    expect((await booted.fetch('/metrics')).status).toBe(404)
    expect(await (await fetch(new URL('/metrics', first))).text()).toContain('arkwatch_build_info')
    expect((await fetch(new URL('/other', first))).status).toBe(404)
    expect((await fetch(new URL('/metrics', first), { method: 'POST' })).status).toBe(404)
    await booted.reload({ plugins: { metrics: { listen: { port: 0 }, path: '/m' } } })
    expect((await fetch(new URL('/m', first))).status).toBe(200)
    await booted.reload({ plugins: { metrics: {} } })
    expect(urlOf()).toBeUndefined()
    expect((await booted.fetch('/metrics')).status).toBe(200)
    await booted.reload({ plugins: { metrics: { listen: { port: 0 } } } })
    expect((await booted.fetch('/metrics')).status).toBe(404)
  })

  test('the ports of a listener are both open until a reload that moves the listener has ended, and one after it', async () => {
    const [first, second] = [freePort(), freePort()]
    const sections = (isMoved: boolean) => ({
      host: { enabled: false },
      metrics: { listen: { port: isMoved ? second : first } },
    })
    await throughMoves([], sections, [`http://127.0.0.1:${first}/metrics`, `http://127.0.0.1:${second}/metrics`])
  })

  test('a port that is taken fails the reload, and the old configuration stays', async () => {
    using taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
    await using booted = await boot()
    await expect(
      booted.reload({ plugins: { metrics: { path: '/m', listen: { port: taken.port } } } }),
    ).rejects.toThrow()
    expect((await booted.fetch('/metrics')).status).toBe(200)
  })

  test('a successor has the values, the collectors and the prom-client metrics of its predecessor', async () => {
    let fail = false
    const parted = {
      ...metrics,
      setup(context: Parameters<typeof metrics.setup>[0]) {
        // without reconfigure every change is a replacement
        const { start, handover, stop, services, routes } = metrics.setup(context)
        return {
          services,
          handover,
          stop,
          routes,
          start: async () => {
            await start?.()
            if (fail) throw new Error('not this time')
          },
        }
      },
    }
    const calls: string[] = []
    const other = definePlugin({
      api: 1,
      name: 'other',
      version: '1.0.0',
      summary: 'Contributes.',
      config: z.strictObject({}),
      setup: () => ({
        contributes: [
          collector({
            name: 'other',
            setup(factory) {
              calls.push('setup')
              const scrapes = factory.counter({ name: 'scrapes_total', help: 'h' })
              return () => scrapes.inc({})
            },
          }),
          collector({
            name: 'other.timed',
            everyMs: 1_000,
            setup(factory) {
              const ticks = factory.counter({ name: 'ticks_total', help: 'h' })
              return () => ticks.inc({})
            },
          }),
        ],
      }),
    })
    await using booted = await testRuntime({
      plugins: [parted, other],
      config: { plugins: { metrics: {}, other: {} } },
    })
    const service = booted.runtime.service(Metrics)
    new Gauge({ name: 'theirs', help: 'h', registers: [service.registry as Registry] }).set(5)
    const jobs = service.counter({ name: 'jobs_total', help: 'Jobs.' })
    jobs.inc({})
    await booted.fetch('/metrics')
    await booted.reload({ plugins: { metrics: { maxSeries: 10 }, other: {} } })
    expect(booted.runtime.service(Metrics)).toBe(service)
    jobs.inc({})
    const text = await (await booted.fetch('/metrics')).text()
    expect([lineOf(text, 'jobs_total'), lineOf(text, 'scrapes_total'), lineOf(text, 'theirs')]).toEqual([
      'jobs_total 2',
      'scrapes_total 2',
      'theirs 5',
    ])
    expect(calls).toEqual(['setup'])
    fail = true
    await expect(booted.reload({ plugins: { metrics: { maxSeries: 20 }, other: {} } })).rejects.toThrow('not this time')
    await booted.clock.advance(60_000)
    const after = await (await booted.fetch('/metrics')).text()
    expect([lineOf(after, 'jobs_total'), lineOf(after, 'scrapes_total'), lineOf(after, 'theirs')]).toEqual([
      'jobs_total 2',
      'scrapes_total 3',
      'theirs 5',
    ])
    const ticks = Number(lineOf(after, 'ticks_total')?.split(' ')[1])
    expect(ticks).toBeGreaterThan(50)
    expect(ticks).toBeLessThan(65)
  })

  test('scrapes at the same time share one run, and a visitor sees what they say', async () => {
    let collections = 0
    const other = definePlugin({
      api: 1,
      name: 'other',
      version: '1.0.0',
      summary: 'Contributes.',
      config: z.strictObject({}),
      setup: () => ({
        contributes: [
          collector({
            name: 'other',
            setup: () => () => {
              collections += 1
            },
          }),
        ],
      }),
    })
    await using booted = await boot({}, [other])
    const texts = await Promise.all(Array.from({ length: 20 }, async () => (await booted.fetch('/metrics')).text()))
    expect(collections).toBe(1)
    expect(new Set(texts).size).toBe(1)
    const seen: string[] = []
    await booted.runtime.service(Metrics).visit(({ name }) => seen.push(name))
    expect(collections).toBe(2)
    expect(seen).toContain('arkwatch_build_info')
    expect(await booted.runtime.service(Metrics).expose('openmetrics')).toEndWith('# EOF\n')
  })

  test('a prom-client metric that fails is left out, counted, and logged once', async () => {
    await using booted = await boot()
    const registers = [booted.runtime.service(Metrics).registry as Registry]
    const collect = () => {
      throw new Error('no source')
    }
    new Gauge({ name: 'bad', help: 'h', registers, collect })
    new Gauge({ name: 'http_server_active_requests', help: 'h', registers }).set(99)
    await booted.fetch('/metrics')
    const text = await (await booted.fetch('/metrics')).text()
    expect(lineOf(text, 'arkwatch_collector_errors_total{collector="metrics.prom_client"}')).toEndWith(' 4')
    expect(lineOf(text, 'http_server_active_requests ')).toBe('http_server_active_requests 1')
    expect(booted.lines.filter(({ message }) => message === 'prom-client metric left out').length).toBe(2)
  })

  test.skipIf(promtool === undefined)('promtool finds nothing in the whole exposition', async () => {
    // real time, so that the collectors of the host have read it
    await using booted = await testRuntime({
      plugins: [metrics, host],
      clock: systemClock,
      config: { plugins: { metrics: { compatibility: true, app: { version: '1' }, labels: { env: 'test' } } } },
    })
    let text = ''
    for (let tries = 0; tries < 100 && !/^node_load1/m.test(text); tries += 1) {
      await Bun.sleep(50)
      text = await (await booted.fetch('/metrics')).text()
    }
    const { exitCode, stderr } = Bun.spawnSync([promtool!, 'check', 'metrics'], { stdin: Buffer.from(text) })
    expect(stderr.toString()).toBe('')
    expect(exitCode).toBe(0)
    expect(text).toMatch(/^process_cpu_seconds_total/m)
  })
})
