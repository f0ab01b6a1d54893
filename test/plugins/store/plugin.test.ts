import { Database } from 'bun:sqlite'
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../../../core/contract/logger.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import { Store } from '../../../plugins/store/api.ts'
import { StoreClient } from '../../../plugins/store/engine.ts'
import store from '../../../plugins/store/index.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { busiestTurn } from '../../support/longest-turn.ts'

// A thread is started, and the disk is waited for; the proof kills a process a hundred times.
setDefaultTimeout(process.env.ARKWATCH_PROOF === '1' ? 600_000 : 60_000)
pluginContract(store)

const folder = mkdtempSync(join(tmpdir(), 'arkwatch-store-'))
const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as Logger
const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, silent)
let number = 0

async function open({ maxQueue = 100, path = join(folder, `${++number}.db`) } = {}) {
  const problems: (string | undefined)[] = []
  const client = new StoreClient({
    clock: systemClock,
    path,
    maxBytes: 2 ** 30,
    maxQueue,
    maintainEveryMs: 60_000,
    workers,
    log: silent,
    onState: (problem) => problems.push(problem),
  })
  await client.start()
  return { client, problems, path }
}
const codeOf = (request: Promise<unknown>) =>
  request.then(
    () => 'ok',
    (error) => error.code,
  )
const counters = {
  name: 'count',
  migrations: ['CREATE TABLE count_all (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT'],
}
const count = (name: string) => ({
  sql: 'INSERT INTO count_all VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1',
  params: [name],
})

describe('the store', () => {
  test('gives by key what was written, at once and after it was opened again', async () => {
    const { client, path } = await open()
    const area = await client.area(counters)
    await Promise.all(Array.from({ length: 50 }, () => area.write([count('a')])))
    const value = 'SELECT value FROM count_all WHERE name = ?'
    expect(area.get<{ value: number }>(value, ['a'])).toEqual({ value: 50 })
    expect(area.get(value, ['b'])).toBeUndefined()
    await client.stop()
    const again = await open({ path })
    const other = await again.client.area(counters)
    expect(await other.query('SELECT * FROM count_all', [], 10)).toEqual([{ name: 'a', value: 50 }])
    await again.client.stop()
  })

  test('refuses with a code what SQLite refuses, and what comes when its queue is full', async () => {
    const { client } = await open({ maxQueue: 3 })
    const area = await client.area(counters)
    const results = await Promise.allSettled([
      area.write([count('a')]),
      area.write([{ sql: 'nonsense' }]),
      area.query('nonsense', [], 1),
      area.write([count('a')]),
    ])
    const codes = results.map((result) => (result.status === 'fulfilled' ? 'ok' : result.reason.code))
    expect(codes).toEqual(['ok', 'STORE_STATEMENT_FAILED', 'STORE_STATEMENT_FAILED', 'STORE_QUEUE_FULL'])
    expect(() => area.get('nonsense')).toThrow('the store refuses a statement of count')
    expect(client.refused).toBe(3)
    expect(client.queued).toBe(0)
    await client.stop()
    expect(await codeOf(area.write([count('a')]))).toBe('STORE_UNAVAILABLE')
  })

  test('is up in memory where its file cannot be opened, and says so', async () => {
    const { client, problems } = await open({ path: join(folder, 'nowhere', 'store.db') })
    expect(client.state).toBe('memory')
    expect(problems).toEqual([expect.any(String)])
    expect(await codeOf(client.area(counters))).toBe('STORE_UNAVAILABLE')
    await client.stop()
  })

  test('refuses a migration that leads back', async () => {
    const { client } = await open()
    await client.area(counters)
    expect(await codeOf(client.area({ ...counters, migrations: [] }))).toBe('STORE_MIGRATION_FAILED')
    await client.stop()
  })

  test('keeps the main loop free under heavy writes, where writing there would hold it up', async () => {
    const { client, path } = await open({ maxQueue: 100_000 })
    const area = await client.area(counters)
    const heavy = async () => {
      const writes: Promise<unknown>[] = []
      for (let turn = 0; turn < 60; turn += 1) {
        for (let index = 0; index < 50; index += 1) writes.push(area.write([count(`name-${index}`)]))
        await new Promise((resolve) => setImmediate(resolve))
      }
      await Promise.all(writes)
    }
    const rounds: number[] = []
    for (let round = 0; round < 5; round += 1) rounds.push(await busiestTurn(heavy))
    // The best round: a busy machine makes single rounds slow.
    expect(Math.min(...rounds)).toBeLessThan(5)
    const database = new Database(path)
    const here = await busiestTurn(() => {
      database.transaction(() => {
        for (let index = 0; index < 20_000; index += 1) database.run(count(`here-${index}`).sql, [`here-${index}`])
      })()
    })
    database.close()
    expect(here).toBeGreaterThan(5)
    await client.stop()
  })

  test('has what it confirmed, whenever its process is killed', async () => {
    const rounds = process.env.ARKWATCH_PROOF === '1' ? 100 : 3
    const path = join(folder, 'killed.db')
    let confirmed = 0
    for (let round = 0; round < rounds; round += 1) {
      const child = Bun.spawn(
        [process.execPath, join(import.meta.dir, 'fixtures/write-forever.ts'), path, `${confirmed}`],
        {
          stdout: 'pipe',
          stderr: 'inherit',
        },
      )
      const target = confirmed + 1 + Math.floor(Math.random() * 200)
      let text = ''
      const decoder = new TextDecoder()
      for await (const chunk of child.stdout) {
        text += decoder.decode(chunk, { stream: true })
        const lines = text.split('\n')
        const last = Number(lines.at(-2) ?? Number.NaN)
        if (last >= target) child.kill(9)
        if (Number.isFinite(last)) confirmed = last
      }
      await child.exited
      const { client } = await open({ path })
      const area = await client.area({
        name: 'seq',
        migrations: ['CREATE TABLE seq_all (n INTEGER PRIMARY KEY) STRICT'],
      })
      const [{ total, highest }] = (await area.query('SELECT count(*) total, max(n) highest FROM seq_all', [], 1)) as [
        { total: number; highest: number },
      ]
      expect(highest).toBeGreaterThanOrEqual(confirmed)
      expect(total).toBe(highest)
      confirmed = highest
      await client.stop()
    }
    expect(confirmed).toBeGreaterThanOrEqual(rounds)
  })
})

test('a runtime with the store is degraded while another process has the data lock', async () => {
  const { runtime, stop } = await testRuntime({ plugins: [store], config: { plugins: { store: {} } } })
  const service = runtime.service(Store) as Store
  expect(service.state).toBe('ok')
  expect(runtime.status().plugins.find(({ name }) => name === 'store')?.state).toBe('ok')
  const area = await service.area(counters)
  await area.write([count('a')])
  const stateOf = () => runtime.status().plugins.find(({ name }) => name === 'store')
  runtime.holdData('another process has the data lock')
  expect(stateOf()).toMatchObject({ state: 'degraded', reason: 'another process has the data lock' })
  runtime.holdData(undefined)
  expect(stateOf()).toMatchObject({ state: 'ok' })
  await stop()
})
