import { describe, expect, test } from 'bun:test'
import { moveState, type PluginState, pluginStates } from '../../core/contract/plugin-state.ts'
import { extensionPoint } from '../../core/contract/tokens.ts'
import { Cleanups } from '../../core/lifecycle/cleanups.ts'
import { ExtensionRegistry } from '../../core/lifecycle/extension-registry.ts'
import { withDeadline } from '../../core/process/deadline.ts'
import { announce, beat, createHeartbeat, endPause, readHeartbeat } from '../../core/process/heartbeat.ts'
import { fallbackSink } from '../../core/process/log.ts'
import { testClock } from '../../testing/test-clock.ts'

describe('a scope', () => {
  test('undoes last in first out, exactly once, whatever throws', async () => {
    const thrown: unknown[] = []
    const faults = { count: (_: string, error: unknown) => void thrown.push(error) }
    const scope = new Cleanups('p', faults, { debug() {} })
    const done: number[] = []
    for (const index of [1, 2, 3]) {
      scope.defer(async () => {
        done.push(index)
        if (index === 2) throw new Error('two')
      })
    }
    await scope.dispose()
    await scope.dispose()
    expect(thrown).toEqual([new Error('two')])
    expect(done).toEqual([3, 2, 1])
  })
})

describe('the states of a plugin', () => {
  const allowed = new Set([
    ...['starting>ok', 'starting>degraded', 'starting>failed', 'starting>stopping', 'ok>degraded', 'ok>failed'],
    ...['ok>stopping', 'degraded>ok', 'degraded>degraded', 'degraded>failed', 'degraded>stopping', 'failed>stopping'],
    ...['stopping>stopped', 'stopping>failed'],
  ])
  test('allow these moves and no others', () => {
    for (const from of pluginStates) {
      for (const to of pluginStates) {
        const move = (): PluginState => moveState('p', from, to)
        if (allowed.has(`${from}>${to}`)) expect(move()).toBe(to)
        else expect(move).toThrow(expect.objectContaining({ code: 'STATE_INVALID' }))
      }
    }
  })
})

describe('the test clock', () => {
  test('runs what falls due in order, and periods without overlap', async () => {
    const clock = testClock()
    const seen: string[] = []
    clock.after(30, () => seen.push(`after ${clock.monotonic()}`))
    let release = () => {}
    clock.every(10, () => {
      seen.push(`every ${clock.monotonic()}`)
      return clock.monotonic() === 20 ? new Promise<void>((resolve) => (release = resolve)) : undefined
    })
    await clock.advance(60)
    expect(seen).toEqual(['every 10', 'every 20', 'after 30'])
    release()
    await clock.advance(10)
    expect(seen.at(-1)).toBe('every 70')
  })

  test('gives what a call of every throws or rejects with to onError, and calls again', async () => {
    const clock = testClock()
    const errors: unknown[] = []
    let calls = 0
    const call = () => {
      calls += 1
      if (calls === 1) throw new Error('thrown')
      return Promise.reject(new Error('rejected'))
    }
    clock.every(10, call, { onError: (error) => errors.push((error as Error).message) })
    await clock.advance(30)
    expect(errors).toEqual(['thrown', 'rejected', 'rejected'])
  })

  test('a rejection of every without onError ends the process', () => {
    const clock = JSON.stringify(new URL('../../core/process/clock.ts', import.meta.url).pathname)
    const code = `(await import(${clock})).systemClock.every(1, () => Promise.reject(new Error('no luck')))`
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, '-e', code], { stderr: 'pipe' })
    expect([exitCode, stderr.toString()]).toEqual([1, expect.stringContaining('no luck')])
  })

  test('rejects a sleep that is aborted', async () => {
    const clock = testClock()
    const controller = new AbortController()
    const sleep = clock.sleep(1_000, controller.signal)
    controller.abort(new Error('enough'))
    await expect(sleep).rejects.toThrow('enough')
    expect(clock.pending).toBe(0)
  })
})

describe('a deadline', () => {
  test('rejects what is late and ignores its later result', async () => {
    const clock = testClock()
    const never = withDeadline(new Promise(() => {}), 50, clock, () => new Error('late'))
    const outcome = never.catch((error: Error) => error.message)
    await clock.advance(50)
    expect(await outcome).toBe('late')
    expect(await withDeadline(Promise.resolve(1), 50, clock, () => new Error('late'))).toBe(1)
    await clock.advance(0)
    expect(clock.pending).toBe(0)
  })
})

describe('extension points', () => {
  const point = extensionPoint<number>('t.numbers')

  test.each<[unknown, string]>([
    [null, 'expected an object with refuse, nameOf, got null (empty)'],
    [5, 'expected an object with refuse, nameOf, got 5 (number)'],
    [{}, 'shape must be one of text, texts, flag,'],
    [{ nameOf: () => 'a' }, 'number, period, got undefined (undefined)'],
    [{ shape: { name: 'string' } }, 'name must be one of text, texts, flag,'],
    [{ shape: 'toString' }, 'got "toString"'],
    [{ shape: {}, nameOf: 'name' }, 'nameOf must be a function, got "name"'],
    [{ shape: {}, refuse: {} }, 'refuse must be a function, got a map'],
    [{ shape: {}, nameof: () => 'a' }, '"nameof" is unknown: did you mean "nameOf"?'],
  ])('with the rules %p are refused where they are declared, with the name of the point', (rules, problem) => {
    const declare = () => extensionPoint('t.odd', rules as never)
    expect(declare).toThrow('the rules of the extension point "t.odd": ')
    expect(declare).toThrow(problem)
  })
  const fault = () => {}
  const hold = () => {}
  const from = (plugin: string) => ({ plugin, fault, hold, refused() {} })
  test('show who gave what, live, and match by id', () => {
    const registry = new ExtensionRegistry()
    const live = registry.of(extensionPoint<number>('t.numbers'))
    const remove = registry.add(point(1), from('a'))
    registry.add(point(2), from('b'))
    expect(live.all).toEqual([
      { plugin: 'a', value: 1, fault, hold },
      { plugin: 'b', value: 2, fault, hold },
    ])
    remove()
    expect(live.all.map(({ value }) => value)).toEqual([2])
  })

  test('tell their owner once about changes made together', () => {
    const registry = new ExtensionRegistry()
    const sizes: number[] = []
    const live = registry.of(point)
    const stop = live.onChange(() => sizes.push(live.all.length))
    registry.together(() => {
      const remove = registry.add(point(1), from('a'))
      registry.add(point(2), from('a'))
      remove()
    })
    stop()
    registry.add(point(3), from('a'))
    expect(sizes).toEqual([1])
  })
})

describe('the heartbeat', () => {
  test('carries the last beat and an announced stall', () => {
    const memory = createHeartbeat(1_000)
    beat(memory, 2_000.7)
    announce(memory, 9_000)
    expect(readHeartbeat(memory)).toEqual({ lastBeatMs: 2_000, pauseUntilMs: 9_000 })
    endPause(memory)
    expect(readHeartbeat(memory).pauseUntilMs).toBe(0)
  })
})

describe('the log without a logging plugin', () => {
  test('is one JSON object a line, also for what JSON refuses', () => {
    const lines: string[] = []
    const sink = fallbackSink((line) => lines.push(line))
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const base = { timeMs: 0, level: 'error', logger: 'core' } as const
    sink.write({ ...base, message: 'a\nb', fields: { big: 1n, error: new Error('x', { cause: new Error('y') }) } })
    sink.write({ ...base, message: 'c', fields: circular })
    const parsed = lines.map((line) => JSON.parse(line))
    expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true)
    expect(parsed[0]).toMatchObject({ message: 'a\nb', big: '1', error: { message: 'x', cause: { message: 'y' } } })
    expect(parsed[1]).toMatchObject({
      message: 'c',
      timestamp: '1970-01-01T00:00:00.000Z',
      self: '[circular]',
    })
  })

  test('is bounded and shows no secret, neither by key nor in a text', () => {
    const lines: string[] = []
    const error = Object.assign(new Error('cannot connect to redis://:canary@h'), { apiKey: 'canary' })
    fallbackSink((line) => lines.push(line)).write({
      timeMs: 0,
      level: 'error',
      logger: 'core',
      message: 'password=canary',
      fields: {
        token: 'canary',
        headers: new Headers({ 'X-Admin-Key': 'canary' }),
        error,
        long: 'x'.repeat(1_000_000),
      },
    })
    expect(lines[0]).not.toContain('canary')
    expect(lines[0]!.length).toBeLessThan(20_000)
    expect(JSON.parse(lines[0]!)).toMatchObject({ token: '[redacted]', headers: { 'x-admin-key': '[redacted]' } })
  })
})
