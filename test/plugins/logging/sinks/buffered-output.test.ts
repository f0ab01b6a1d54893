import { afterEach, describe, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { BufferedOutput } from '../../../../plugins/logging/sinks/buffered-output.ts'
import { FileTarget } from '../../../../plugins/logging/sinks/file-target.ts'
import type { Target } from '../../../../plugins/logging/sinks/target.ts'
import { testClock } from '../../../../testing/test-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'arkwatch-sinks-'))
let number = 0
const freshPath = () => join(folder, `case-${++number}`, 'app.log')
const big = 1_048_576
const rotation = { size: big, files: 3 }
const opened: BufferedOutput[] = []

function output(path: string, options: { rotation?: FileTarget['rotation']; maxWaiting?: number } = {}) {
  const clock = testClock(Date.UTC(2026, 0, 1, 12))
  const target = new FileTarget('app.log', path, options.rotation ?? rotation)
  const out = new BufferedOutput(target, clock, options.maxWaiting ?? big)
  opened.push(out)
  /** The gathering time is the test clock's, the write itself is the system's. */
  const settle = async () => {
    await clock.advance(10)
    await out.flush()
  }
  return { clock, target, out, settle }
}
const read = (path: string) => readFileSync(path, 'utf8')
const line = (text: string | number) => `${text}\n`

afterEach(async () => {
  for (const out of opened.splice(0)) await out.close()
})

describe('a file sink', () => {
  test('gathers lines and writes them without being waited for', async () => {
    const path = freshPath()
    const { out, settle } = output(path)
    out.write(line('a'))
    out.write(line('b'))
    expect(existsSync(path)).toBe(false)
    await settle()
    expect(read(path)).toBe('a\nb\n')
  })

  test('never grows beyond its size, and keeps so many files and not one more', async () => {
    const path = freshPath()
    const { out, settle } = output(path, { rotation: { size: 100, files: 2 } })
    for (let index = 0; index < 40; index += 1) out.write(line(`number ${String(index).padStart(2, '0')}`))
    await settle()
    const names = readdirSync(join(path, '..')).filter((name) => !name.endsWith('.removed'))
    expect(names.sort()).toEqual(['app.log', 'app.log.1', 'app.log.2'])
    for (const name of names) expect(statSync(join(path, '..', name)).size).toBeLessThanOrEqual(100)
    expect(read(`${path}.2`) + read(`${path}.1`) + read(path)).toEndWith('number 38\nnumber 39\n')
  })

  test('gives a line that is larger than a file a file of its own', async () => {
    const path = freshPath()
    const { out, settle } = output(path, { rotation: { size: 20, files: 5 } })
    for (const text of ['a', 'b'.repeat(50), 'c']) out.write(line(text))
    await settle()
    expect([read(`${path}.2`), read(`${path}.1`), read(path)]).toEqual([line('a'), line('b'.repeat(50)), line('c')])
  })

  test('begins a new file when a period ends', async () => {
    const path = freshPath()
    const { out, clock, settle } = output(path, { rotation: { size: big, every: 3_600_000, files: 3 } })
    out.write(line('before'))
    await settle()
    await clock.advance(3_600_000)
    out.write(line('after'))
    await settle()
    expect([read(`${path}.1`), read(path)]).toEqual(['before\n', 'after\n'])
  })

  test('opens its file again after someone renamed it, and loses no line', async () => {
    const path = freshPath()
    const { out, settle } = output(path)
    out.write(line(1))
    await settle()
    renameSync(path, `${path}.old`)
    out.write(line(2))
    await settle()
    out.tick()
    out.write(line(3))
    await settle()
    expect([read(`${path}.old`), read(path)]).toEqual(['1\n2\n', '3\n'])
  })

  test('opens its file again after someone removed it', async () => {
    const path = freshPath()
    const { out, settle } = output(path)
    out.write(line(1))
    await settle()
    rmSync(path)
    out.tick()
    out.write(line(2))
    await settle()
    expect(read(path)).toBe('2\n')
  })

  test('goes on at the right place after copytruncate', async () => {
    const path = freshPath()
    const { out, settle } = output(path, { rotation: { size: 30, files: 3 } })
    out.write(line('x'.repeat(20)))
    await settle()
    writeFileSync(path, '')
    out.tick()
    out.write(line('y'.repeat(20)))
    await settle()
    expect(read(path)).toBe(line('y'.repeat(20)))
    expect(existsSync(`${path}.1`)).toBe(false)
  })

  test('on a full disk says so, keeps what fits its buffer, counts the rest, and goes on when there is room', async () => {
    const path = freshPath()
    const { out, settle } = output(path, { maxWaiting: 100 })
    out.tick()
    rmSync(path)
    symlinkSync('/dev/full', path)
    out.tick()
    out.write(line('first'))
    await settle()
    expect(out.problem).toMatch(/cannot write app\.log: .*ENOSPC/)
    for (let index = 0; index < 50; index += 1) out.write(line(`kept ${index}`))
    expect(out.dropped).toBeGreaterThan(30)
    const { dropped } = out
    out.tick()
    await settle()
    expect(out.problem).toMatch(/ENOSPC/)
    rmSync(path)
    out.tick()
    await out.flush()
    expect(out.problem).toBeUndefined()
    expect(read(path)).toStartWith('first\nkept 0\nkept 1\n')
    expect(read(path).trim().split('\n').length + dropped).toBe(51)
    out.write(line('again'))
    await settle()
    expect(read(path)).toEndWith('again\n')
  })

  test('that cannot be opened never throws, and opens when it can', async () => {
    const path = join(folder, 'a-file', 'app.log')
    writeFileSync(join(folder, 'a-file'), '')
    const { out, settle } = output(path)
    out.tick()
    out.write(line('a'))
    await settle()
    expect(out.problem).toMatch(/cannot write app\.log/)
    out.flushSync()
    rmSync(join(folder, 'a-file'))
    out.tick()
    await out.flush()
    expect(read(path)).toBe('a\n')
  })

  test('that could not be opened again is well when it can, without a further line', async () => {
    const path = freshPath()
    const { out } = output(path)
    out.tick()
    rmSync(dirname(path), { recursive: true })
    writeFileSync(dirname(path), '')
    out.tick()
    expect(out.problem).toMatch(/cannot write app\.log/)
    out.tick()
    expect(out.problem).toMatch(/cannot write app\.log/)
    rmSync(dirname(path))
    out.tick()
    expect(out.problem).toBeUndefined()
    expect(read(path)).toBe('')
  })

  test('holds no more than its buffer', () => {
    const { out } = output(freshPath(), { maxWaiting: 10 })
    for (let index = 0; index < 100; index += 1) out.write(line('abc'))
    expect(out.dropped).toBe(98)
  })

  test('written out on the spot while a write is under way has each line once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const path = freshPath()
      const { out, clock } = output(path)
      const lines = Array.from({ length: 2_000 }, (_, index) => line(`${round} ${index} ${'x'.repeat(50)}`))
      for (const text of lines.slice(0, 1_000)) out.write(text)
      await clock.advance(10)
      for (const text of lines.slice(1_000)) out.write(text)
      out.flushSync()
      expect(read(path)).toBe(lines.join(''))
    }
  })
})

describe('a pipe', () => {
  const pipe = () => {
    const path = join(folder, `pipe-${++number}`)
    spawnSync('mkfifo', [path])
    // A reader that is also a writer does not wait for the other end.
    const reader = openSync(path, 'r+')
    const writer = openSync(path, 'w')
    closeSync(writer)
    return { path, reader }
  }
  const target = (path: string): Target => ({
    name: 'pipe',
    fd: undefined,
    background: false,
    regular: false,
    room: () => 4_096,
    open() {
      // O_WRONLY | O_NONBLOCK
      ;(this as { fd: number }).fd = openSync(path, 0o1 | 0o4000)
    },
    rotate() {},
    wrote() {},
    isStale: () => false,
    close() {
      if (this.fd !== undefined) closeSync(this.fd)
      ;(this as { fd: number | undefined }).fd = undefined
    },
  })

  test('whose reader does not read never blocks; lines wait, then are counted, then come in order', async () => {
    const { path, reader } = pipe()
    const clock = testClock()
    const out = new BufferedOutput(target(path), clock, 100_000)
    const text = (index: number) => line(`${String(index).padStart(5, '0')} ${'x'.repeat(93)}`)
    // Real time, since a blocking write would not return at all: the bound is generous.
    const startedMs = Bun.nanoseconds() / 1e6
    for (let index = 0; index < 3_000; index += 1) {
      out.write(text(index))
      if (index % 100 === 0) await clock.advance(10)
    }
    expect(Bun.nanoseconds() / 1e6 - startedMs).toBeLessThan(2_000)
    expect(out.dropped).toBeGreaterThan(1_000)
    expect(out.problem).toBeUndefined()
    const chunk = Buffer.alloc(65_536)
    let received = ''
    while (!out.isIdle) {
      received += chunk.toString('utf8', 0, readSync(reader, chunk))
      await clock.advance(10)
    }
    await out.close()
    const expected = Array.from({ length: 3_000 - out.dropped }, (_, index) => text(index)).join('')
    while (received.length < expected.length) received += chunk.toString('utf8', 0, readSync(reader, chunk))
    expect(received).toBe(expected)
    closeSync(reader)
  })

  test('that is full holds up the end of the process for a moment only', () => {
    const { path, reader } = pipe()
    const out = new BufferedOutput(target(path), testClock(), big)
    for (let index = 0; index < 3_000; index += 1) out.write(line('x'.repeat(99)))
    // Real time, since the flush sleeps synchronously: eight times its limit of 250 ms.
    const startedMs = Bun.nanoseconds() / 1e6
    out.flushSync()
    expect(Bun.nanoseconds() / 1e6 - startedMs).toBeLessThan(2_000)
    expect(out.problem).toMatch(/EAGAIN/)
    closeSync(reader)
  })
})
