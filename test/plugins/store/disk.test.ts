/** An area in a file of its own, whose file may not grow or whose disk is full. */
import { Database } from 'bun:sqlite'
import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../../../core/contract/logger.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import type { StoreArea } from '../../../plugins/store/api.ts'
import { StoreClient } from '../../../plugins/store/engine.ts'
import { type SmallDisk, smallDisk } from '../../support/small-disk.ts'

// A thread is started, and a disk is mounted, filled and waited for.
setDefaultTimeout(60_000)
const mib = 2 ** 20
const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as Logger

let disk: SmallDisk | undefined
let store: StoreClient | undefined
afterEach(async () => {
  await store?.stop()
  disk?.remove()
  disk = undefined
  store = undefined
})

async function open(folder: string, maxBytes: number) {
  const states: (string | undefined)[] = []
  store = new StoreClient({
    clock: systemClock,
    path: join(folder, 'store.db'),
    maxBytes,
    maxQueue: 100,
    maintainEveryMs: 20,
    workers: createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, silent),
    log: silent,
    onState: (problem) => states.push(problem),
  })
  await store.start()
  const area = (file?: string) =>
    store!.area({
      name: 'points',
      ...(file !== undefined && { file }),
      migrations: ['CREATE TABLE points_all (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT'],
    })
  return { store, states, main: await area(), history: await area('history') }
}

const write = (area: StoreArea, n: number) =>
  area.write([{ sql: 'INSERT INTO points_all VALUES (?, ?)', params: [n, 'x'.repeat(10_000)] }]).then(
    () => undefined,
    (error: Error & { code: string }) => error,
  )
const numbers = async (area: StoreArea) =>
  (await area.query<{ n: number }>('SELECT n FROM points_all ORDER BY n', [], 10_000)).map(({ n }) => n)
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

/** Writes 1, 2, 3… @returns the last number that was acknowledged, and the refusal of the next one */
async function fill(area: StoreArea, from = 1) {
  for (let n = from; ; n += 1) {
    const refusal = await write(area, n)
    if (refusal !== undefined) return { last: n - 1, refusal }
    if (n > 10_000) throw new Error('it was never full')
  }
}
/** Lets the thread's timer run some times. */
const maintained = () => systemClock.sleep(200)

test('at its size limit it keeps what it acknowledged, is degraded by name, and works once there is room', async () => {
  const { store, states, main, history } = await open(mkdtempSync(join(tmpdir(), 'arkwatch-full-')), mib)
  const { last, refusal } = await fill(history)
  expect(last).toBeGreaterThan(10)
  expect(refusal.code).toBe('STORE_UNAVAILABLE')
  expect(refusal.message).toContain('store-history.db: database or disk is full')
  await maintained()
  expect(states.slice(1)).toEqual(['store-history.db: database or disk is full'])
  // The store's own file has room.
  expect([store.state, await write(main, 1), await numbers(main)]).toEqual(['ok', undefined, [1]])
  expect([await numbers(history), history.get('SELECT n FROM points_all WHERE n = ?', [last])]).toEqual([
    upTo(last),
    { n: last },
  ])
  await history.write([{ sql: 'DELETE FROM points_all WHERE n <= ?', params: [5] }])
  expect(await write(history, last + 1)).toBeUndefined()
  await maintained()
  expect(states.at(-1)).toBeUndefined()
  expect(await numbers(history)).toEqual(upTo(last + 1).slice(5))
})

test('a file that is removed while it is open is named, and holds up no other file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'arkwatch-removed-'))
  const { store, states, main, history } = await open(folder, mib)
  rmSync(join(folder, 'store-history.db'))
  expect(await write(history, 1)).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    help: expect.stringContaining('Put the file back'),
  })
  await maintained()
  expect(states.slice(1)).toEqual(['store-history.db: the file was removed or replaced while the store had it open'])
  expect([store.state, await write(main, 1), await numbers(main)]).toEqual(['ok', undefined, [1]])
})

const full = async () => {
  disk = smallDisk(8 * mib)
  if (disk === undefined) {
    console.warn('NOT TESTED HERE, since nothing can be mounted: an area on a disk that is full')
    return
  }
  const { states, history } = await open(disk.folder, 2 ** 30)
  expect(await write(history, 1)).toBeUndefined()
  disk.fill()
  const { last, refusal } = await fill(history, 2)
  expect(refusal.code).toBe('STORE_UNAVAILABLE')
  await maintained()
  expect(states.at(-1)).toMatch(/^store(-history)?\.db: /)
  const degraded = states.length
  await maintained()
  expect(states.slice(degraded - 1)).toEqual([states.at(-1)])
  expect(await numbers(history)).toEqual(upTo(last))
  disk.free()
  for (let tries = 0; states.at(-1) !== undefined && tries < 100; tries += 1) await maintained()
  expect(states.at(-1)).toBeUndefined()
  expect(await write(history, last + 1)).toBeUndefined()
  await store!.stop()
  const reader = new Database(join(disk.folder, 'store-history.db'), { readonly: true })
  expect(reader.query('SELECT n FROM points_all').values().flat()).toEqual(upTo(last + 1))
  reader.close()
}
test(
  'on a disk that is full it keeps what it acknowledged, stays degraded, and notices by itself that there is room',
  full,
)
