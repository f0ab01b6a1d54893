import { describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Hono } from 'hono'
import { definePlugin } from '../../../core/contract/definition.ts'
import { z } from '../../../core/plugin.ts'
import { type LogEntry, Logging } from '../../../plugins/logging/api.ts'
import logging from '../../../plugins/logging/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { recorder } from '../metrics/recorder.ts'

const folder = mkdtempSync(join(tmpdir(), 'arkwatch-logging-'))
let number = 0
const fresh = () => join(folder, `${++number}.log`)
const records = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** A runtime with logging alone, to files. */
async function boot(options: Record<string, unknown> = {}, plugins: unknown[] = []) {
  const path = fresh()
  const errors = fresh()
  const section = (more: Record<string, unknown>) => ({
    plugins: {
      logging: { level: 'info', console: { enabled: false }, file: { path }, errorFile: { path: errors }, ...more },
    },
  })
  const booted = await testRuntime({ plugins: [logging, ...plugins], config: section(options) })
  const service = booted.runtime.service(Logging) as Logging
  return {
    ...booted,
    path,
    errors,
    logging: service,
    section,
    status: () => booted.runtime.status().plugins.find(({ name }) => name === 'logging')!,
  }
}

describe('logging in a runtime', () => {
  test('writes the lines of every plugin, errors to a file of their own too', async () => {
    const noisy = definePlugin({
      api: 1,
      name: 'noisy',
      version: '1.0.0',
      summary: 'Logs.',
      config: z.strictObject({}),
      setup: ({ log }) => ({
        ready() {
          log.info('hello', { a: 1 })
          log.child('part').error('broken', { error: new Error('why', { cause: new Error('deeper') }) })
          log.debug('not at this level')
        },
      }),
    })
    const { path, errors, stop } = await boot({}, [noisy])
    await stop()
    expect(records(path).filter(({ logger }) => logger.startsWith('noisy'))).toMatchObject([
      { level: 'info', logger: 'noisy', message: 'hello', a: 1, timestamp: '2026-01-01T00:00:00.000Z' },
      { level: 'error', logger: 'noisy.part', error: { type: 'Error', message: 'why', cause: { message: 'deeper' } } },
    ])
    expect(records(errors)).toMatchObject([{ message: 'broken' }])
  })

  test('gives a logger that carries the ids of a request', async () => {
    const { logging, path, stop } = await boot()
    const app = new Hono().get('/', (c) => {
      logging.log(c).info('from context')
      logging.log(c.req.raw, 'orders').child('sub').warn('from request', { n: 1 })
      return c.text('ok')
    })
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    await app.request('/', { headers: { 'x-request-id': 'r-1', traceparent: `00-${traceId}-b7ad6b7169203331-01` } })
    await stop()
    expect(records(path)).toMatchObject([
      { logger: 'app', message: 'from context', requestId: 'r-1', traceId },
      { logger: 'orders.sub', message: 'from request', requestId: 'r-1', traceId, n: 1 },
    ])
  })

  test('puts the ids of the request on every line where context is on, until a reload turns it off', async () => {
    const talking = definePlugin({
      api: 1,
      name: 'talking',
      version: '1.0.0',
      summary: 'Logs in a route.',
      config: z.strictObject({}),
      setup: ({ log }) => ({
        routes: new Hono().get('/talk', async (c) => {
          await Promise.resolve()
          log.info('talking')
          return c.text('ok')
        }),
      }),
    })
    const { fetch, path, reload, section, clock, logging, stop } = await boot(
      { context: true, performanceEvery: '5s' },
      [talking],
    )
    const id = (value: string) => ({ headers: { 'x-request-id': value } })
    await Promise.all(['a', 'b', 'c'].map((value) => fetch('/talk', id(value))))
    await reload(section({}))
    await fetch('/talk', id('d'))
    await clock.advance(60_000)
    await logging.flush()
    const lines = records(path)
    expect(lines.filter(({ message }) => message === 'talking').map(({ requestId }) => requestId)).toEqual([
      'a',
      'b',
      'c',
      undefined,
    ])
    expect(lines.find(({ message }) => message === 'performance')).toMatchObject({
      requests: 4,
      p50Ms: expect.any(Number),
    })
    await stop()
  })

  test('holds back a storm and says how much, never a fatal line', async () => {
    const { logging, clock, path, stop } = await boot({ storm: { first: 3, window: '10s' } })
    const log = logging.logger()
    for (let index = 0; index < 10; index += 1) {
      log.warn('again', { index })
      log.info('as often as it likes')
      log.fatal('the end')
    }
    await clock.advance(11_000)
    log.warn('again')
    await stop()
    const lines = records(path)
    expect(lines.filter(({ message }) => message === 'the end')).toHaveLength(10)
    expect(lines.filter(({ message }) => message === 'as often as it likes')).toHaveLength(10)
    const again = lines.filter(({ message }) => message === 'again')
    expect(again.map(({ index, suppressed }) => suppressed ?? index)).toEqual([0, 1, 2, 7, undefined])
  })

  test('takes every option in place, and no line is lost or doubled on the way', async () => {
    const { logging, reload, section, path, errors, stop } = await boot()
    const log = logging.logger()
    const next = fresh()
    let written = 0
    const write = () => {
      for (let index = 0; index < 50; index += 1) log.info(`line ${written++}`)
    }
    const changes: Record<string, unknown>[] = [
      { file: { path: next } },
      { file: { path: next, rotate: { size: '1MiB', files: 9 } }, buffer: '1MiB' },
      { redact: { mode: 'hmac' }, callSite: true, recent: { lines: 10 } },
      { file: { path }, performanceEvery: '5s', slowRequest: '2s' },
    ]
    for (const change of changes) {
      write()
      const reloading = reload(section(change))
      write()
      expect((await reloading).map(({ action }) => action)).toEqual(['reconfigure'])
      write()
    }
    expect(logging.recent()).not.toHaveLength(0)
    await stop()
    const found = [path, next].flatMap(records).map(({ message }) => message)
    const lines = found.filter((message) => message.startsWith('line '))
    expect(lines.sort()).toEqual(Array.from({ length: written }, (_, index) => `line ${index}`).sort())
    expect(records(errors)).toEqual([])
  })

  test('is degraded with the reason while a sink cannot write, and well again after', async () => {
    const { logging, clock, status, reload, section, stop } = await boot({ file: { path: '/dev/full' } })
    logging.logger().info('lost on the way')
    await clock.advance(10)
    await logging.flush()
    await clock.advance(1_000)
    expect(status()).toMatchObject({ state: 'degraded', reason: expect.stringContaining('ENOSPC') })
    await reload(section({}))
    await clock.advance(1_000)
    expect(status()).toMatchObject({ state: 'ok', reason: '' })
    await stop()
  })

  test('writes a performance line with rates, latencies and memory', async () => {
    const { clock, path, stop } = await boot({ performanceEvery: '5s' })
    await clock.advance(5_000)
    await stop()
    expect(records(path)[0]).toMatchObject({
      message: 'performance',
      requests: 0,
      requestsPerSecond: 0,
      loopP99Ms: expect.any(Number),
      rssBytes: expect.any(Number),
    })
  })

  test('writes what is logged after its end to stderr', async () => {
    const { logging, path, stop } = await boot()
    await stop()
    const stderr = process.stderr.write
    let seen = ''
    process.stderr.write = ((text: string) => {
      seen += text
      return true
    }) as typeof stderr
    logging.logger().warn('too late', { password: 'hunter2' })
    process.stderr.write = stderr
    expect(JSON.parse(seen)).toMatchObject({ message: 'too late', password: '[redacted]' })
    expect(records(path)).toEqual([])
  })

  test('counts lines by level and logger, and what is lost, for metrics', async () => {
    const metrics = recorder()
    const { EventCounters, logCollector } = await import('../../../plugins/logging/event-counters.ts')
    const events = new EventCounters()
    let dropped = 3
    const collect = logCollector({ events, dropped: () => ({ file: dropped }), suppressed: () => 1 }).setup(metrics)
    for (let index = 0; index < 500; index += 1) events.count('info', `logger${index}`)
    events.count('error', 'logger0')
    await collect()
    dropped = 5
    events.count('error', 'logger0')
    await collect()
    expect(metrics.value('arkwatch_log_events_total{level="error",logger="logger0"}')).toBe(2)
    expect(metrics.value('arkwatch_log_events_total{level="info",logger="__other__"}')).toBe(300)
    expect(metrics.value('arkwatch_log_dropped_total{sink="file"}')).toBe(5)
    expect(metrics.value('arkwatch_log_suppressed_total')).toBe(1)
  })
})

test('the control commands list and set levels, and read the newest lines', async () => {
  const booted = await testRuntime({
    plugins: [logging],
    config: { plugins: { logging: { level: 'info', console: { enabled: false } } } },
  })
  const command = (name: string) => async (args: Record<string, unknown>) =>
    booted.runtime.commands().get(name)!.run(args)
  const [level, recent] = [command('logs.level'), command('logs.recent')]
  expect(await level({})).toMatchObject({ loggers: [{ logger: 'root', effective: 'info' }] })
  expect(await level({ logger: 'app', level: 'debug', for: '15m' })).toMatchObject({
    loggers: [{ logger: 'app', effective: 'debug', revertsAtMs: booted.clock.now() + 900_000 }],
  })
  for (const args of [{ for: '15m' }, { level: 'info', for: '8d' }])
    await expect(level({ logger: 'app', ...args })).rejects.toMatchObject({ code: 'CONTROL_BAD_REQUEST' })
  const log = (booted.runtime.service(Logging) as Logging).logger()
  for (let index = 0; index < 5; index += 1) log.info(`line ${index}`)
  const { entries } = (await recent({ limit: 2, logger: 'app' })) as { entries: LogEntry[] }
  expect(entries.map(({ line }) => JSON.parse(line).message)).toEqual(['line 3', 'line 4'])
  log.child('token=canary').info('x')
  const newest = JSON.stringify(await recent({ limit: 1 }))
  expect([newest.includes('token=[redacted]'), newest.includes('canary')]).toEqual([true, false])
  await booted.stop()
})

describe('no planted secret comes out anywhere', () => {
  const canary = fc.stringMatching(/^[A-Za-z0-9]{24}$/)
  const secretKeys =
    'password,userPassword,API_KEY,apiKey,token,access_token,Authorization,set-cookie,macaroon,nsec,privateKey,dsn,clientSecret'.split(
      ',',
    )
  const shapes: ((secret: string) => string)[] = [
    (secret) => `Bearer ${secret}`,
    (secret) => `see postgres://user:${secret}@db/x`,
    (secret) => `eyJhbGciOiJIUzI1NiJ9.eyJ${secret}.${secret}`,
    (secret) => `0201036c6e64${Buffer.from(secret).toString('hex')}`,
    (secret) => `AgED${secret}`,
    (secret) => `nsec1${secret.toLowerCase().replace(/[1bio]/g, 'q')}`,
    (secret) => `xprv${secret.replace(/[0OIl]/g, 'z')}${'9'.repeat(30)}`,
    (secret) => `/path?token=${secret}&x=1`,
    (secret) => `{"password":"${secret}"}`,
  ]
  /** How a secret may be wrapped on its way down. */
  const wraps: ((value: unknown) => unknown)[] = [
    (value) => ({ inner: value }),
    (value) => [1, value],
    (value) => new Map([['key', value]]),
    (value) => new Set([value]),
    (value) => Object.assign(new Error('wrapped'), { details: value }),
    (value) => new Error('outer', { cause: value }),
    (value) => ({ toJSON: () => ({ value }) }),
  ]
  const planted = fc.record({
    secret: canary,
    key: fc.option(fc.constantFrom(...secretKeys)),
    shape: fc.constantFrom(...shapes),
    path: fc.array(fc.constantFrom(...wraps), { maxLength: 12 }),
    where: fc.constantFrom('field', 'message', 'error message', 'key', 'logger'),
  })

  test('file, error file, memory, tail and pretty console', async () => {
    const { logging, clock, path, errors, stop } = await boot({ level: 'trace', storm: { first: 0 } })
    const { createPretty } = await import('../../../plugins/logging/encode/pretty.ts')
    const pretty = await createPretty(true)
    const tailed: LogEntry[] = []
    logging.tail((entries) => void tailed.push(...entries))
    const secrets: string[] = []
    fc.assert(
      fc.property(planted, ({ secret, key, shape, path: wrapping, where }) => {
        const shaped = shape(secret)
        secrets.push(secret, shaped.slice(-20))
        let value: unknown = key === null ? shaped : { [key]: secret, also: shaped }
        for (const wrap of wrapping) value = wrap(value)
        const log = logging.logger(where === 'logger' ? shaped : 'app')
        if (where === 'message') log.error(`it was ${shaped} again`)
        else if (where === 'error message')
          log.error('failed', { error: new Error(shaped, { cause: new Error(shaped) }) })
        else if (where === 'key') log.error('keyed', { [shaped]: 1, map: new Map([[shaped, 2]]) })
        else log.error('fields', { value })
      }),
      { numRuns: 400 },
    )
    await clock.advance(100)
    const recent = logging.recent()
    const all = [
      JSON.stringify(recent.map(({ line }) => line)),
      JSON.stringify(tailed.map(({ line }) => line)),
      recent.map(({ line }) => pretty(line)).join(''),
    ]
    await stop()
    all.push(readFileSync(path, 'utf8'), readFileSync(errors, 'utf8'))
    expect(tailed.length).toBeGreaterThan(100)
    for (const text of all) {
      expect(text.length).toBeGreaterThan(10_000)
      for (const secret of secrets.filter((_, index) => index % 2 === 0)) expect(text).not.toContain(secret)
    }
    rmSync(path)
  })
})

describe('the pretty console', () => {
  const line = (fields: object) =>
    JSON.stringify({ level: 'warn', timestamp: '2026-01-01T00:00:00.000Z', logger: 'a', ...fields })

  test('shows level, logger, message and fields', async () => {
    const { createPretty } = await import('../../../plugins/logging/encode/pretty.ts')
    const text = (await createPretty(false))(line({ message: 'hello', orders: 3 }))
    expect(text).toMatch(/WARN: a: hello\n {4}orders: 3\n$/)
  })

  test('lets no value begin a line or move the cursor', async () => {
    const { createPretty } = await import('../../../plugins/logging/encode/pretty.ts')
    const evil = 'x\n[00:00:00.000] ERROR: forged\u001b[2K\r'
    const text = (await createPretty(false))(
      line({ message: evil, logger: evil, [evil]: evil, error: { type: evil, message: evil, stack: evil } }),
    )
    expect(text).not.toMatch(/^\[[^ ]* ERROR/m)
    expect(text).not.toContain('\u001b')
    expect(text).not.toContain('\r')
  })
})
