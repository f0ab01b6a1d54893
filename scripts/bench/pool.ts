#!/usr/bin/env bun
/**
 * What the pool costs beside postgres.js bare, `pg.Pool` and `Bun.SQL`: CPU of this process per `SELECT 1`, at 1, 16 and
 * 128 at a time, over a real PostgreSQL.
 *
 *     bun scripts/bench/pool.ts [--rounds 15] [--queries 3000] [--url postgres://…] [--check]
 *
 * Each variant takes turns with the baseline, segment by segment; its segment is divided by the mean of the baseline's
 * on both sides; shown are the median of these ratios and its standard error. All hold the same number of connections,
 * open beforehand. The baseline is postgres.js with `max_pipeline: 0`, one statement on a connection at a time, as the
 * pool uses it; its default, which sends further statements behind a slow one, is a row. `null` is the baseline against
 * itself: what differs from 1 there is the machine's. The pool measures acquisition, usage, statements by type and by
 * fingerprint. --check exits with 1 where a goal is missed.
 */
import { parseArgs } from 'node:util'
import pg from 'pg'
import postgres from 'postgres'
import { systemClock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import { MetricStore } from '../../plugins/metrics/storage/store.ts'
import { PoolMetrics } from '../../plugins/pool/collect.ts'
import { PoolConfig } from '../../plugins/pool/config.ts'
import { NamedPools } from '../../plugins/pool/pools.ts'
import { privatePostgres } from '../../test/support/services.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    queries: { type: 'string', default: '3000' },
    concurrency: { type: 'string', default: '1,16,128' },
    only: { type: 'string' },
    url: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const connections = 16
const server = values.url === undefined ? await privatePostgres() : undefined
const url = values.url ?? server!.url
const log = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Logger

type Query = () => PromiseLike<unknown>

async function ours(driver: 'postgres' | 'bun') {
  const config = PoolConfig.parse({ url, driver, size: connections, maxOverflow: 0 })
  const metrics = new PoolMetrics()
  metrics.collector.setup(new MetricStore(systemClock))
  const pools = new NamedPools(config, systemClock, log, (pool) => metrics.add(pool))
  await pools.start()
  const { sql } = pools.get()
  return { query: () => sql`SELECT 1`, end: () => pools.stop() }
}

const bare = postgres(url, { max: connections, max_pipeline: 0, idle_timeout: 0 } as object)
const pipelined = postgres(url, { max: connections, idle_timeout: 0 })
const pgPool = new pg.Pool({ connectionString: url, max: connections })
const bunSql = new Bun.SQL({ url, max: connections })
const [overPostgres, overBun] = [await ours('postgres'), await ours('bun')]

const baseline: Query = () => bare`SELECT 1`
const variants: { name: string; query: Query; goal?: number }[] = [
  { name: 'null', query: baseline },
  { name: 'postgres.js, its default', query: () => pipelined`SELECT 1` },
  { name: 'pg.Pool', query: () => pgPool.query('SELECT 1') },
  { name: 'Bun.SQL', query: () => bunSql`SELECT 1` },
  { name: 'pool over postgres.js', query: overPostgres.query, goal: 1.05 },
  { name: 'pool over Bun.SQL', query: overBun.query, goal: 0.8 },
].filter(({ name }) => values.only === undefined || values.only.split(',').some((each) => name.includes(each)))

async function segment(query: Query, atOnce: number, queries: number): Promise<number> {
  let left = queries
  const before = process.cpuUsage()
  const worker = async () => {
    while (left > 0) {
      left -= 1
      await query()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / queries
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
function errorOf(numbers: readonly number[]): number {
  const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length
  const squares = numbers.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  return (1.253 * Math.sqrt(squares / Math.max(1, numbers.length - 1))) / Math.sqrt(numbers.length)
}

const missed: string[] = []
for (const atOnce of values.concurrency.split(',').map(Number)) {
  const queries = Number(values.queries)
  for (const { query } of [{ query: baseline }, ...variants]) await segment(query, atOnce, queries)
  const ratios = variants.map(() => [] as number[])
  const micros = variants.map(() => [] as number[])
  const base: number[] = []
  let last = await segment(baseline, atOnce, queries)
  for (let round = 0; round < rounds; round += 1)
    for (const [index, { query }] of variants.entries()) {
      const mine = await segment(query, atOnce, queries)
      const next = await segment(baseline, atOnce, queries)
      ratios[index]!.push(mine / ((last + next) / 2))
      micros[index]!.push(mine)
      base.push(next)
      last = next
    }
  console.log(`\n${atOnce} at a time; baseline ${median(base).toFixed(1)} µs of CPU a query`)
  console.table(
    variants.map(({ name, goal }, index) => {
      const ratio = median(ratios[index]!)
      if (goal !== undefined && atOnce === 16 && ratio > goal) missed.push(`${name}: ${ratio.toFixed(3)} > ${goal}`)
      return {
        variant: name,
        'ratio to postgres.js': ratio.toFixed(3),
        '±': errorOf(ratios[index]!).toFixed(3),
        µs: median(micros[index]!).toFixed(1),
        goal: goal !== undefined && atOnce === 16 ? `≤ ${goal}` : '',
      }
    }),
  )
}
await Promise.all([bare.end(), pipelined.end(), pgPool.end(), bunSql.end(), overPostgres.end(), overBun.end()])
await server?.stop()
for (const one of missed) console.log(`missed ${one}`)
process.exit(values.check && missed.length > 0 ? 1 : 0)
