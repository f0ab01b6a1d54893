/** A statement that does not end: SQLite cannot be interrupted, so the thread that runs it is replaced. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../../core/contract/clock.ts'
import type { Logger } from '../../../core/contract/logger.ts'
import { systemClock, yieldToLoop } from '../../../core/process/clock.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import type { StoreArea } from '../../../plugins/store/api.ts'
import { StoreClient } from '../../../plugins/store/engine.ts'
import { testClock } from '../../../testing/test-clock.ts'

// Threads are started.
setDefaultTimeout(60_000)

/** Takes a second or more. Ends after all, so that the process of the tests does not keep the thread for ever. */
const endless = 'WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r LIMIT 5000000) SELECT count(*) c FROM r'

/** Real time in which limits pass twenty times as fast: a stop waits for 0.2 s. */
const hasty: Clock = {
  ...systemClock,
  after: (ms, call) => systemClock.after(ms / 20, call),
  sleep: (ms, signal) => systemClock.sleep(ms / 20, signal),
}

async function open(ofThreads: Clock = systemClock) {
  const lines: string[] = []
  const problems: (string | undefined)[] = []
  const note = (message: string) => void lines.push(message)
  const log = { error: note, warn: note, info() {}, debug() {} } as unknown as Logger
  const clock = testClock()
  const store = new StoreClient({
    path: join(mkdtempSync(join(tmpdir(), 'arkwatch-endless-')), 'store.db'),
    ...{ maxBytes: 2 ** 30, maxQueue: 100, maintainEveryMs: 60_000, clock, log },
    workers: createWorkers({ maxThreads: 1, maxQueue: 1 }, ofThreads, log),
    onState: (problem) => problems.push(problem),
  })
  await store.start()
  const area = (name: string) =>
    store.area({ name, migrations: [`CREATE TABLE ${name}_all (n INTEGER PRIMARY KEY) STRICT`] })
  return { store, clock, lines, problems, evil: await area('evil'), calm: await area('calm') }
}

const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    ({ code, message }) => `${code} ${message}`,
  )

const insert = (area: string, n: number) => [{ sql: `INSERT INTO ${area}_all VALUES (?)`, params: [n] }]

const reads: readonly (readonly [string, (area: StoreArea) => Promise<unknown>])[] = [
  ['query', (area) => area.query(endless, [], 1)],
  ['iteration', (area) => Array.fromAsync(area.iterate(endless))],
]

test.each(reads)('an endless %s is given up after a minute, and the areas of others work', async (_, run) => {
  const { store, clock, lines, problems, evil, calm } = await open()
  await calm.write(insert('calm', 1))
  let settled = false
  const stuck = outcome(run(evil)).finally(() => {
    settled = true
  })
  const waiting = outcome(calm.write(insert('calm', 2)))
  while (!settled) {
    await clock.advance(1_000)
    await yieldToLoop()
  }
  const reason = 'a statement of evil ran for more than 60 s'
  expect(await stuck).toContain(reason)
  expect(await waiting).toMatch(/^done$|^STORE_UNAVAILABLE .*a statement of evil ran for more than 60 s/)
  expect(await outcome(calm.write(insert('calm', 3)))).toBe('done')
  expect(await calm.query('SELECT n FROM calm_all WHERE n <> 2', [], 10)).toEqual([{ n: 1 }, { n: 3 }])
  expect(await outcome(evil.write(insert('evil', 1)))).toBe(
    `STORE_STATEMENT_FAILED the store refuses a statement of evil: ${reason}`,
  )
  expect(() => evil.iterate('SELECT 1')).toThrow(reason)
  expect(lines.filter((line) => !line.startsWith('worker thread does not end'))).toEqual([
    'the store was held up: its thread is replaced, and requests of the area are refused',
  ])
  expect([problems.at(-1), store.state]).toEqual([reason, 'ok'])
  await store.stop()
})

test('an endless write holds its file until it ends, and is named meanwhile', async () => {
  const { store, clock, evil, calm } = await open()
  let settled = false
  const stuck = outcome(evil.write([{ sql: `INSERT INTO evil_all ${endless}` }])).finally(() => {
    settled = true
  })
  while (!settled) {
    await clock.advance(1_000)
    await yieldToLoop()
  }
  expect(await stuck).toStartWith('STORE_STATEMENT_FAILED the store refuses a statement of evil: a statement of evil')
  while ((await outcome(calm.write(insert('calm', 1)))) !== 'done');
  expect(await calm.query('SELECT (SELECT count(*) FROM evil_all) e, n FROM calm_all', [], 10)).toEqual([
    { e: 0, n: 1 },
  ])
  await store.stop()
})

test('a stop during an endless statement does not wait for its end', async () => {
  const { store, evil, lines } = await open(hasty)
  const stuck = outcome(evil.query(endless, [], 1))
  await store.stop()
  expect(await stuck).toStartWith('STORE_UNAVAILABLE')
  expect(lines).toEqual([
    'the store was not closed cleanly',
    'worker thread does not end: it is in code that cannot be interrupted',
  ])
})
