import { describe, expect, test } from 'bun:test'
import type { Level, Logger } from '../../../core/contract/logger.ts'
import type { LogEntry } from '../../../plugins/logging/api.ts'
import { LiveTails } from '../../../plugins/logging/recent/live-tail.ts'
import { RingBuffer } from '../../../plugins/logging/recent/ring-buffer.ts'
import { SlowRequests } from '../../../plugins/logging/requests/request-lines.ts'
import { StormFilter } from '../../../plugins/logging/storm.ts'
import { testClock } from '../../../testing/test-clock.ts'

const entry = (sequence: number, level: Level = 'info', logger = 'app', line = `line ${sequence}`): LogEntry => ({
  sequence,
  timeMs: sequence,
  level,
  logger,
  line,
})
const numbers = (entries: readonly LogEntry[]) => entries.map(({ sequence }) => sequence)

describe('the ring buffer', () => {
  test('keeps the newest lines, by number', () => {
    const ring = new RingBuffer()
    ring.resize(3, 1_000)
    for (let index = 1; index <= 5; index += 1) ring.push(entry(index))
    expect(numbers(ring.recent())).toEqual([3, 4, 5])
  })

  test('keeps the newest lines, by size', () => {
    const ring = new RingBuffer()
    ring.resize(100, 13)
    for (let index = 1; index <= 5; index += 1) ring.push(entry(index))
    expect(numbers(ring.recent())).toEqual([4, 5])
    ring.push(entry(6, 'info', 'app', 'x'.repeat(14)))
    expect(numbers(ring.recent())).toEqual([4, 5])
  })

  test('filters by level, logger and text, newest up to a limit', () => {
    const ring = new RingBuffer()
    ring.resize(10, 1_000)
    ring.push(entry(1, 'debug', 'health'))
    ring.push(entry(2, 'error', 'health.postgres', 'a needle'))
    ring.push(entry(3, 'warn', 'healthy'))
    ring.push(entry(4, 'error', 'app'))
    expect(numbers(ring.recent({ level: 'warn' }))).toEqual([2, 3, 4])
    expect(numbers(ring.recent({ logger: 'health' }))).toEqual([1, 2])
    expect(numbers(ring.recent({ logger: 'root', limit: 2 }))).toEqual([3, 4])
    expect(numbers(ring.recent({ contains: 'needle' }))).toEqual([2])
    expect(ring.recent({ limit: 0 })).toEqual([])
  })

  test('takes new bounds and keeps what fits; none keeps none', () => {
    const ring = new RingBuffer()
    ring.resize(5, 1_000)
    for (let index = 1; index <= 5; index += 1) ring.push(entry(index))
    ring.resize(2, 1_000)
    expect(numbers(ring.recent())).toEqual([4, 5])
    ring.resize(0, 1_000)
    ring.push(entry(6))
    expect(ring.recent()).toEqual([])
  })
})

describe('a live tail', () => {
  test('gets what matches in batches, from when it was opened', async () => {
    const clock = testClock()
    const tails = new LiveTails(clock)
    const got: number[][] = []
    tails.push(entry(1))
    tails.open((entries) => void got.push(numbers(entries)), { level: 'warn' })
    for (const each of [entry(2, 'warn'), entry(3), entry(4, 'error')]) tails.push(each)
    await clock.advance(20)
    tails.push(entry(5, 'fatal'))
    await clock.advance(20)
    expect(got).toEqual([[2, 4], [5]])
  })

  test('that is slow loses lines and is told how many, and nobody waits for it', async () => {
    const clock = testClock()
    const tails = new LiveTails(clock)
    const got: [number, number][] = []
    let release = () => {}
    const tail = tails.open((entries, dropped) => {
      got.push([entries.length, dropped])
      return new Promise<void>((resolve) => {
        release = resolve
      })
    })
    tails.push(entry(1))
    await clock.advance(20)
    for (let index = 0; index < 1_500; index += 1) tails.push(entry(index))
    release()
    await clock.advance(20)
    expect(got).toEqual([
      [1, 0],
      [1_000, 500],
    ])
    expect([tail.dropped, tails.dropped]).toEqual([500, 500])
  })

  test('whose listener throws is closed', async () => {
    const clock = testClock()
    const tails = new LiveTails(clock)
    tails.open(() => {
      throw new Error('no')
    })
    tails.push(entry(1))
    await clock.advance(20)
    expect(tails.size).toBe(0)
  })

  test('is one of a bounded number, and its place is free when it stops', () => {
    const tails = new LiveTails(testClock())
    const all = Array.from({ length: 64 }, () => tails.open(() => {}))
    expect(() => tails.open(() => {})).toThrow(expect.objectContaining({ code: 'LOG_TAIL_LIMIT' }))
    all[0]!.stop()
    tails.open(() => {})
  })
})

describe('a storm', () => {
  test('passes the first lines of a window and counts the rest', () => {
    const storm = new StormFilter()
    storm.configure(2, 1_000)
    const passed = [0, 1, 2, 3].map((ms) => storm.passes('a', 'same', ms))
    expect(passed).toEqual([true, true, false, false])
    expect(storm.passes('b', 'same', 3)).toBe(true)
    expect([storm.isDue(999), storm.isDue(1_000)]).toEqual([false, true])
    expect(storm.end()).toEqual([{ logger: 'a', message: 'same', suppressed: 2 }])
    expect(storm.passes('a', 'same', 1_001)).toBe(true)
    expect(storm.suppressed).toBe(2)
  })

  test('of ever new messages passes, in bounded memory', () => {
    const storm = new StormFilter()
    storm.configure(1, 1_000)
    for (let index = 0; index < 5_000; index += 1) expect(storm.passes('a', `message ${index}`, 0)).toBe(true)
    expect(storm.passes('a', 'message 0', 0)).toBe(false)
    expect(storm.passes('a', 'message 4999', 0)).toBe(true)
    expect(storm.passes('a', 'message 4999', 0)).toBe(true)
  })

  test('is not looked for where the first lines are 0', () => {
    const storm = new StormFilter()
    storm.configure(0, 1_000)
    for (let index = 0; index < 10; index += 1) expect(storm.passes('a', 'm', 0)).toBe(true)
    expect(storm.isDue(10_000)).toBe(false)
  })
})

test('slow requests get ten lines in ten seconds; the next one says how many had none', () => {
  const lines: Record<string, unknown>[] = []
  const slow = new SlowRequests({
    warn: (_: string, fields: Record<string, unknown>) => lines.push(fields),
  } as unknown as Logger)
  const route = { id: 0, method: 'GET', pattern: '/x/:id' }
  for (let index = 0; index < 15; index += 1) slow.add(route, 200, 1_500.12345, index)
  expect(lines).toHaveLength(10)
  expect(lines[0]).toEqual({ method: 'GET', route: '/x/:id', status: 200, durationMs: 1_500.123 })
  slow.add(route, 200, 2_000, 10_000)
  expect(lines[10]).toMatchObject({ suppressed: 5 })
})
