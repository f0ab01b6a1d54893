import { describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Logger } from '../../../../core/contract/logger.ts'
import type { Route } from '../../../../core/contract/request-hooks.ts'
import type { Workers } from '../../../../core/contract/tasks.ts'
import { systemClock } from '../../../../core/process/clock.ts'
import { createWorkers } from '../../../../core/process/workers.ts'
import { AccessLineEncoder, pathOf } from '../../../../plugins/logging/access/access-line.ts'
import { AccessLog } from '../../../../plugins/logging/access/access-log.ts'
import {
  type AccessRecord,
  AccessRingReader,
  AccessRingWriter,
  createAccessMemory,
} from '../../../../plugins/logging/access/access-ring.ts'
import { accessLogConfig, LoggingConfig } from '../../../../plugins/logging/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'arkwatch-access-'))
let number = 0
const silent = { error() {}, warn() {} } as unknown as Logger
const route = (id: number): Route => ({ id, method: 'GET', pattern: `/users/${id}/:name` })
const request = (path = '/users/1/ann', headers = {}) => new Request(`http://localhost${path}`, { headers })

const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, silent)
const missing: Workers = {
  ...workers,
  dedicated: (name, _, options) => workers.dedicated(name, new URL('./missing.ts', import.meta.url), options),
}

function open(options: Record<string, unknown> = {}, using: Workers = workers) {
  const file = join(folder, `${++number}.log`)
  const config = (more: Record<string, unknown>) =>
    accessLogConfig(LoggingConfig.parse({ access: { file, ...options, ...more } }))!
  const log = new AccessLog({
    config: config({}),
    dataDir: folder,
    redact: {},
    clock: systemClock,
    workers: using,
  })
  return { log, file, config, lines: (path = file) => lines(path) }
}
const lines = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

describe('the ring', () => {
  test('gives back what was put in, in order, around its end and around the end of its counters', () => {
    const memory = createAccessMemory(8)
    new Int32Array(memory).fill(2 ** 31 - 5, 0, 2)
    const writer = new AccessRingWriter(memory)
    const reader = new AccessRingReader(memory)
    const record = { routeId: 0, status: 0, durationMs: 0, endedMs: 0 }
    for (let round = 0; round < 10; round += 1) {
      for (let index = 0; index < 5; index += 1) writer.push(index, 200, index / 2, round)
      expect(reader.waiting).toBe(5)
      for (let index = 0; index < 5; index += 1) {
        reader.read(index, record)
        expect(record).toEqual({ routeId: index, status: 200, durationMs: index / 2, endedMs: round })
      }
      reader.release(5)
    }
    expect(writer.dropped).toBe(0)
  })

  test('that is full counts and goes on', () => {
    const memory = createAccessMemory(8)
    const writer = new AccessRingWriter(memory)
    for (let index = 0; index < 20; index += 1) writer.push(1, 200, 1, 1)
    expect(writer.dropped).toBe(12)
    new AccessRingReader(memory).release(1)
    writer.push(1, 200, 1, 1)
    expect(writer.dropped).toBe(12)
  })

  test('is never read by the worker after the request thread took over', () => {
    const memory = createAccessMemory(8)
    const writer = new AccessRingWriter(memory)
    const reader = new AccessRingReader(memory)
    expect(reader.enter()).toBe(true)
    expect(writer.takeOver()).toBe(false)
    reader.leave()
    expect(writer.takeOver()).toBe(true)
    expect(reader.enter()).toBe(false)
    expect(writer.takeOver()).toBe(true)
  })
})

const bytes = new Uint8Array(1_024)
const encoded = (encoder: AccessLineEncoder, record: AccessRecord, more?: string) =>
  new TextDecoder().decode(bytes.subarray(3, encoder.encode(record, bytes, 3, more)))

test('a line has time, method, route, status and duration, and its strings are escaped', () => {
  const encoder = new AccessLineEncoder()
  encoder.setRoute(0, { method: 'GET', pattern: '/a"b\n/:id/ä€' })
  const endedMs = Date.UTC(2026, 0, 2, 3, 4, 5, 7)
  const line = encoded(encoder, { routeId: 0, status: 404, durationMs: 1.23456, endedMs: endedMs + 0.9 }, ',"x":"😀"')
  expect(line.endsWith('}\n')).toBe(true)
  expect(JSON.parse(line)).toEqual({
    timestamp: '2026-01-02T03:04:05.007Z',
    method: 'GET',
    route: '/a"b\n/:id/ä€',
    status: 404,
    durationMs: 1.235,
    x: '😀',
  })
  expect(JSON.parse(encoded(encoder, { routeId: 9, status: 200, durationMs: 0, endedMs })).route).toBe('__unknown')
})

test('the numbers of a line are those that JSON writes, and never longer than promised', () => {
  const encoder = new AccessLineEncoder()
  const durations = fc.oneof(
    fc.double({ min: 0, max: 2e6, noNaN: true }),
    fc.constantFrom(0, 0.001, 0.01, 0.1, 1, 1.5, 9.999_9, 1_073_741.823, 1_073_741.824, 1e12, -1),
  )
  fc.assert(
    fc.property(durations, fc.integer({ min: -1, max: 2 ** 31 }), fc.date(), (durationMs, status, ended) => {
      fc.pre(ended.getUTCFullYear() >= 1970 && ended.getUTCFullYear() < 10_000)
      const line = encoded(encoder, { routeId: 0, status, durationMs, endedMs: ended.getTime() })
      const duration = Math.round(durationMs * 1_000) / 1_000
      const wanted = `"status":${status},"durationMs":${JSON.stringify(duration)}}\n`
      expect(line.slice(line.indexOf('"status"'))).toBe(wanted)
      expect(line).toContain(`"timestamp":"${ended.toISOString()}"`)
      expect(line.length).toBeLessThanOrEqual(encoder.maxBytes)
    }),
  )
})

test('a path is without query and fragment', () => {
  const table: [string, string][] = [
    ['http://h/a/b?token=x', '/a/b'],
    ['http://h:80/a#f', '/a'],
    ['http://h', '/'],
    ['http://h/', '/'],
  ]
  for (const [url, path] of table) expect(pathOf(url)).toBe(path)
})

/** As logging's hooks do: the request itself only where its text is wanted. */
const record = (
  log: AccessLog,
  ofRoute: ReturnType<typeof route>,
  status: number,
  durationMs: number,
  endedMs: number,
  ofRequest = request(),
) => {
  if (log.withText) log.recordText(ofRoute, status, durationMs, endedMs, ofRequest)
  else log.record(ofRoute, status, durationMs, endedMs)
}

describe('the access log', () => {
  test('has a line for each request, written by its worker', async () => {
    const { log, lines } = open()
    await log.start()
    for (let index = 0; index < 5_000; index += 1) record(log, route(index % 7), 200 + (index % 5), index, 1_000)
    await log.flush()
    expect(lines()).toHaveLength(5_000)
    expect(lines()[8]).toMatchObject({ method: 'GET', route: '/users/1/:name', status: 203, durationMs: 8 })
    await log.stop()
    expect([lines().length, log.dropped]).toEqual([5_000, 0])
  })

  test('has path and request id where asked, without query and without secrets', async () => {
    const { log, lines } = open({ path: true, requestId: true })
    await log.start()
    for (let index = 0; index < 1_500; index += 1) {
      record(log, route(1), 200, 1, 1_000, request(`/users/${index}?token=abc`, { 'x-request-id': `r-${index}` }))
    }
    record(log, route(1), 200, 1, 1_000, request('/reset/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.dozjgNryP4J3jVm'))
    await log.stop()
    expect(lines()).toHaveLength(1_501)
    expect(lines()[1_499]).toMatchObject({ route: '/users/1/:name', path: '/users/1499', requestId: 'r-1499' })
    expect(lines()[1_500].path).toBe('/reset/[redacted]')
    expect(log.dropped).toBe(0)
  })

  test('that cannot keep up loses lines, counts them, and never waits', async () => {
    for (const options of [{}, { path: true }]) {
      const { log, lines } = open({ capacity: 256, ...options })
      // Before its thread starts nothing makes room.
      for (let index = 0; index < 1_000; index += 1) record(log, route(1), 200, 1, 1_000)
      expect(log.dropped).toBe(1_000 - 256)
      await log.start()
      await log.stop()
      expect(lines()).toHaveLength(256)
      expect(log.dropped).toBe(1_000 - 256)
    }
  })

  test('is written to the end by the request thread when the process ends', async () => {
    for (const options of [{}, { path: true }]) {
      const { log, lines } = open(options)
      await log.start()
      for (let index = 0; index < 700; index += 1) record(log, route(index % 3), 200, index, 1_000)
      log.flushSync()
      log.flushSync()
      expect(lines().map(({ durationMs }) => durationMs)).toEqual(Array.from({ length: 700 }, (_, index) => index))
    }
  })

  test('goes to another file, rotated, without losing a line', async () => {
    const { log, file, config, lines } = open()
    const next = join(folder, `${++number}.log`)
    await log.start()
    for (let index = 0; index < 100; index += 1) record(log, route(1), 200, index, 1_000)
    await log.flush()
    expect(log.reconfigure(config({ file: next, rotate: { size: '2KiB', files: 100 } }), {})).toBe(true)
    await log.flush()
    for (let index = 100; index < 200; index += 1) record(log, route(1), 200, index, 1_000)
    await log.stop()
    const rotated = Array.from({ length: 20 }, (_, index) => `${next}.${index + 1}`).filter(
      (path) => Bun.file(path).size > 0,
    )
    const all = [file, next, ...rotated].flatMap((path) => lines(path))
    expect(rotated.length).toBeGreaterThan(2)
    for (const path of rotated) expect(Bun.file(path).size).toBeLessThanOrEqual(2_048)
    expect(all.map(({ durationMs }) => durationMs).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, index) => index),
    )
    expect(log.reconfigure(config({ capacity: 512 }), {})).toBe(false)
  })

  test('opens its file again after someone renamed it', async () => {
    const { log, file, lines } = open()
    await log.start()
    record(log, route(1), 200, 1, 1_000)
    await log.flush()
    renameSync(file, `${file}.old`)
    // The worker looks once a second, by its own timer.
    for (let tries = 0; tries < 40 && !(await Bun.file(file).exists()); tries += 1) {
      await systemClock.sleep(100)
    }
    record(log, route(1), 200, 2, 1_000)
    await log.stop()
    expect(lines(`${file}.old`)[0].durationMs).toBe(1)
    expect(lines().at(-1).durationMs).toBe(2)
  })

  test('says why it cannot open its file again, until it can, without a further line', async () => {
    const directory = join(folder, 'moved')
    const { log } = open({ file: join(directory, 'access.log') })
    await log.start()
    record(log, route(1), 200, 1, 1_000)
    await log.flush()
    renameSync(directory, `${directory}.old`)
    writeFileSync(directory, '')
    const seen: (string | undefined)[] = []
    // The worker looks once a second, by its own timer.
    for (let tries = 0; tries < 60 && seen.filter((problem) => problem !== undefined).length < 15; tries += 1) {
      await systemClock.sleep(100)
      seen.push(log.problem)
    }
    const first = seen.findIndex((problem) => problem !== undefined)
    expect(seen.slice(first).every((problem) => /cannot write the access log/.test(problem ?? ''))).toBe(true)
    rmSync(directory)
    for (let tries = 0; tries < 60 && log.problem !== undefined; tries += 1) await systemClock.sleep(100)
    expect(log.problem).toBeUndefined()
    await log.stop()
  })

  test('says why it cannot write, and writes all when it can', async () => {
    const { log } = open({ file: '/dev/full' })
    await log.start()
    record(log, route(1), 200, 1, 1_000)
    await log.flush()
    expect(log.problem).toMatch(/cannot write the access log: .*ENOSPC/)
    await log.stop()
    expect(log.dropped).toBe(1)
  })

  test('does not start where its thread cannot load', async () => {
    const { log } = open({}, missing)
    expect(await log.start().catch(({ code }) => code)).toBe('WORKER_ENDED')
    await log.stop()
  })
})
