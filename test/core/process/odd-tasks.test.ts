import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { LogRecord } from '../../../core/contract/logger.ts'
import { task } from '../../../core/contract/tasks.ts'
import { LogHub } from '../../../core/process/log.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'
import { hugeLength, type Odd, odd } from './fixtures/odd.ts'
import { type Leftover, leftoverNames } from './fixtures/odd-task.ts'
import type { Message } from './fixtures/odd-thread.ts'

// Threads are started.
setDefaultTimeout(60_000)

const clock = testClock()
const log = new LogHub(clock, recordingSink([])).logger('test')
const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, clock, log)
const OddTask = task<Odd, unknown>('test.odd', new URL('./fixtures/odd-task.ts', import.meta.url))
const thread = workers.dedicated('test.thread', new URL('./fixtures/odd-thread.ts', import.meta.url))
afterAll(async () => {
  await thread.stop()
  await workers.close()
})

/** Moves the clock past the time limit once the thread has the message. */
async function outcomeOf(work: Promise<unknown>, isLate: boolean): Promise<unknown> {
  const settled = work.then(
    (value) => ({ value }),
    (error) => error,
  )
  if (isLate) await clock.advance(1_000)
  const outcome = await settled
  return outcome instanceof Error ? `${(outcome as { code?: string }).code} ${outcome.message}` : outcome
}

const noResult = (seen: string) =>
  `it returned ${seen}: a task returns { ok: true, value } or { ok: false, code, message }`
const unclonable = /cannot be sent|could not be cloned|can not be cloned/
const unreadable = /a thrown value that cannot be/
type Expected = string | RegExp | { readonly value: unknown }
/** The error of a task, and the answer of a request with the same. */
const table: Readonly<Record<Odd, readonly [ofTask: Expected, ofRequest: Expected]>> = {
  'returns nothing': [noResult('nothing'), { value: undefined }],
  'returns null': [noResult('null (empty)'), { value: null }],
  'returns a number': [noResult('5 (number)'), { value: 5 }],
  'returns a list': [noResult('a list of 2'), { value: [1, 2] }],
  'returns a function': [noResult('a function'), unclonable],
  'returns a revoked proxy': [/./, /./],
  'returns a value that cannot be cloned': [unclonable, unclonable],
  'returns a value whose getter throws': [/no value/, /no value/],
  'returns a result with getters in its class': [{ value: 5 }, { value: {} }],
  'returns a refusal with odd details': [
    /odd \(ODD\)/,
    { value: { ok: false, code: 'ODD', message: 'odd', details: 5 } },
  ],
  'returns a huge value': [{ value: 'x'.repeat(hugeLength) }, { value: { ok: true, value: 'x'.repeat(hugeLength) } }],
  'returns a refusal without a code': [noResult('a map'), { value: { ok: false } }],
  'returns a refusal of odd types': [noResult('a map'), { value: { ok: false, code: 5, message: {} } }],
  'returns a refusal that cannot be cloned': [unclonable, unclonable],
  'throws nothing': [/undefined/, /undefined/],
  'throws null': [/null/, /null/],
  'throws a text': [/a text/, /a text/],
  'throws a map': [/failed: a map without a message$/, /failed: a map without a message$/],
  'throws a map with a message': [/failed: of a map$/, /failed: of a map$/],
  'throws a map with a message whose details throw': [/failed: of a map$/, /failed: of a map$/],
  'throws an error whose details throw': [/failed: told$/, /failed: told$/],
  'throws an error whose message is a map': [/failed: a map without a message$/, /failed: a map without a message$/],
  'throws an error whose cause cannot be cloned': [/failed: caused$/, /failed: caused$/],
  'throws a URL': [/failed: http:\/\/localhost\/x$/, /failed: http:\/\/localhost\/x$/],
  'throws a frozen error': [/frozen/, /frozen/],
  'throws an object without prototype': [unreadable, unreadable],
  'throws a revoked proxy': [unreadable, unreadable],
  'throws an error whose getters throw': [/./, unreadable],
  'throws details that cannot be cloned': [/: odd \(ODD\)$/, /: odd \(ODD\)$/],
  'throws odd details': [/odd \(ODD\)/, /odd \(ODD\)/],
  'throws an error with a field that cannot be cloned': [/odd field/, /odd field/],
  'rejects with null': [/null/, /null/],
  'never ends': [
    'WORKER_TIMEOUT task test.odd did not finish within 1000 ms',
    'WORKER_TIMEOUT a request to the thread test.thread did not finish within 1000 ms',
  ],
  'ends its thread': [/exited with code: 3/, 'WORKER_ENDED the thread test.thread ended: it ended with code 3'],
}

function check(outcome: unknown, expected: Expected, name: string): void {
  if (typeof expected === 'object' && 'value' in expected) {
    expect(outcome).toEqual(expected)
    return
  }
  if (!(typeof expected === 'string' && expected.startsWith('WORKER')))
    expect(outcome).toStartWith(`WORKER_FAILED ${name} failed: `)
  if (typeof expected === 'string') expect(outcome).toContain(expected)
  else expect(outcome).toMatch(expected)
}

describe.each(Object.keys(odd) as Odd[])('what %s', (what) => {
  const isLate = what === 'never ends'
  const [ofTask, ofRequest] = table[what]

  test('as a task gives the documented outcome, and the next task runs', async () => {
    check(
      await outcomeOf(workers.run(OddTask, what, { timeoutMs: isLate ? 1_000 : 60_000 }), isLate),
      ofTask,
      'task test.odd',
    )
    expect(await workers.run(OddTask, 'returns a huge value')).toHaveLength(hugeLength)
    expect(clock.pending).toBe(0)
  })

  test('as the handler of a thread gives the documented answer, and the next request is answered', async () => {
    await thread.ready
    const request = thread.request(what, { timeoutMs: isLate ? 1_000 : 60_000 })
    check(await outcomeOf(request, isLate), ofRequest, 'a request to the thread test.thread')
    if (what === 'ends its thread') await clock.advance(100)
    expect(await thread.request<number>('open')).toBe(0)
    expect([thread.pending, clock.pending]).toEqual([0, 0])
  })
})

const limit = (what: string, seen: string) =>
  `timeoutMs of ${what} got ${seen}: expected a number of milliseconds above 0`
const runs = { name: 'test.odd', url: new URL('file:///missing.ts') }
test.each<[string, () => unknown, string]>([
  ['a URL as a task', () => workers.run(runs.url as never, 1), 'workers.run got a map: the first parameter is made by'],
  ['nothing as a task', () => workers.run(undefined as never, 1), 'workers.run got undefined (undefined)'],
  ['a task with a path', () => workers.run({ ...runs, url: './a.ts' } as never, 1), 'workers.run got a map'],
  ['an unknown lane', () => workers.run(runs, 1, { lane: 'slow' as never }), 'lane of task test.odd is "slow"'],
  ...[-5, 0, Number.NaN, '5s'].flatMap((timeoutMs): [string, () => unknown, string][] => {
    const options = { timeoutMs: timeoutMs as number }
    const seen = typeof timeoutMs === 'string' ? `"${timeoutMs}"` : `${timeoutMs} (number)`
    const ofRequest = limit('a request to the thread test.thread', seen)
    return [
      [`a task with the limit ${timeoutMs}`, () => workers.run(runs, 1, options), limit('task test.odd', seen)],
      [`a request with the limit ${timeoutMs}`, () => thread.request(1, options), ofRequest],
      [`a stream with the limit ${timeoutMs}`, () => Array.fromAsync(thread.stream(1, options)), ofRequest],
    ]
  }),
  ['a thread with a path', async () => workers.dedicated('a', './a.ts' as never), 'workers.dedicated got "./a.ts"'],
])('%s is refused with what was expected', async (_, call, message) => {
  expect(
    await Promise.resolve(call()).then(
      () => 'accepted',
      (error) => error.message,
    ),
  ).toContain(message)
})

describe('a stream', () => {
  /** @returns how many items came, and the error that ended the stream */
  async function read(message: Message, timeoutMs?: number) {
    const items: number[] = []
    try {
      for await (const item of thread.stream<number>(message, timeoutMs === undefined ? {} : { timeoutMs }))
        items.push(item)
    } catch (error) {
      return [items, `${(error as { code?: string }).code} ${(error as Error).message}`]
    }
    return [items, undefined]
  }
  const upTo = (count: number) => [...Array(count).keys()]

  for (const items of [0, 1, 255, 256, 1_000]) {
    test.each([
      ['end', undefined],
      ['throw', 'WORKER_FAILED a request to the thread test.thread failed: broken (BROKEN)'],
      ['function', 'cannot be sent'],
    ] as const)(
      `of ${items} items that %s gives them all, then how it ended, and ends in the thread`,
      async (last, error) => {
        const [seen, ended] = await read({ items, last })
        expect(seen).toEqual(upTo(items))
        if (error === undefined) expect(ended).toBeUndefined()
        else expect(ended).toContain(error)
        expect(await thread.request<number>('open')).toBe(0)
        expect(thread.pending).toBe(0)
      },
    )
  }

  test('that waits for ever is cancelled in the thread at its time limit', async () => {
    const reading = read({ items: 3, last: 'wait' }, 1_000)
    expect(await thread.request<number>('open')).toBe(1)
    await clock.advance(1_000)
    expect(await reading).toEqual([
      upTo(3),
      'WORKER_TIMEOUT a request to the thread test.thread did not finish within 1000 ms',
    ])
    expect(await thread.request<number>('open')).toBe(0)
  })

  test('is not a request, nor a request a stream; both say so', async () => {
    const wrong = (error: unknown) => `${(error as { code?: string }).code} ${(error as Error).message}`
    for (const items of [0, 1, 1_000]) {
      expect(await thread.request({ items, last: 'wait' }).then(() => 'answered', wrong)).toContain(
        'WORKER_FAILED a request to the thread test.thread failed: it answered with a stream: call stream()',
      )
    }
    expect(await read('returns a number')).toEqual([
      [],
      'WORKER_FAILED a request to the thread test.thread failed: it answered with a value: call request()',
    ])
    expect(await thread.request<number>('open')).toBe(0)
    expect(thread.pending).toBe(0)
  })
})

test('a message that cannot be cloned is refused with the name of the task or thread', async () => {
  const message = () => 1
  const failed = { code: 'WORKER_FAILED', message: expect.stringMatching(unclonable) }
  await expect(workers.run(OddTask, message as never)).rejects.toMatchObject(failed)
  await expect(thread.request(message)).rejects.toMatchObject(failed)
  await expect(thread.stream(message)[Symbol.asyncIterator]().next()).rejects.toMatchObject(failed)
  expect([thread.pending, clock.pending]).toEqual([0, 0])
})

const Leaving = task<Leftover, number>('test.leaving', new URL('./fixtures/odd-task.ts', import.meta.url))

test.each(leftoverNames.filter((name) => name !== 'nothing'))(
  '%s, left behind by a task, ends the thread with one line in the log, and the next task runs',
  async (what) => {
    const logged = Promise.withResolvers<LogRecord>()
    const push = (line: LogRecord) => {
      logged.resolve(line)
      count += 1
      return 1
    }
    let count = 0
    const lines = Object.assign([], { push })
    const own = createWorkers(
      { maxThreads: 1, maxQueue: 1 },
      clock,
      new LogHub(clock, recordingSink(lines)).logger('test'),
    )
    for (let run = 0; run < 3; run += 1) expect(await own.run(Leaving, 'nothing')).toBe(1)
    expect(await own.run(Leaving, what)).toBe(1)
    const { level, message, fields } = await logged.promise
    expect([level, message]).toEqual(['error', 'a task left something behind that threw: its thread ended'])
    expect(fields).toMatchObject({ error: { message: 'left behind' } })
    expect(await own.run(Leaving, 'nothing')).toBe(1)
    expect(count).toBe(1)
    await own.close()
  },
)
