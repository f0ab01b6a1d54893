#!/usr/bin/env bun
/**
 * What the pool costs beside postgres.js bare, `pg.Pool` and `Bun.SQL`: CPU of this process per `SELECT 1`, at 1, 16 and
 * 128 at a time, over a real PostgreSQL.
 *
 *     bun scripts/bench/pool.ts [--passes 5] [--rounds 60] [--queries 800] [--concurrency 1,16,128] [--only NAME,…] [--url postgres://…] [--check]
 *
 * A variant runs in a process of its own beside the baseline, as in an application: among five clients in one process
 * the engine optimizes none of them as it does one. There it takes turns with the baseline, segment by segment; its
 * segment is divided by the mean of the baseline's on both sides, and the median of these ratios is the result of the
 * process. Shown are the median of the processes, the least and the greatest. All hold the same number of connections,
 * open beforehand. The baseline is postgres.js with `max_pipeline: 0`, one statement on a connection at a time, as the
 * pool uses it; its default, which sends further statements behind a slow one, is a row. `null` is the baseline against
 * itself: what differs from 1 there is the machine's. The pool measures acquisition, usage, statements by type and by
 * fingerprint. --check exits with 1 where a goal is missed.
 */
import { parseArgs } from 'node:util'
import pg from 'pg'
import postgres from 'postgres'
import type { Logger } from '../../core/contract/logger.ts'
import { systemClock } from '../../core/process/clock.ts'
import { MetricStore } from '../../plugins/metrics/storage/store.ts'
import { PoolMetrics } from '../../plugins/pool/collect.ts'
import { PoolConfig } from '../../plugins/pool/config.ts'
import { NamedPools } from '../../plugins/pool/engine.ts'
import { privatePostgres } from '../../test/support/services.ts'

const { values } = parseArgs({
  options: {
    passes: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '60' },
    queries: { type: 'string', default: '800' },
    concurrency: { type: 'string', default: '1,16,128' },
    only: { type: 'string' },
    url: { type: 'string' },
    variant: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
})
const connections = 16
const log = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Logger

type Query = () => PromiseLike<unknown>

async function ours(url: string, driver: 'postgres' | 'bun'): Promise<Query> {
  const config = PoolConfig.parse({ url, driver, size: connections, maxOverflow: 0 })
  const metrics = new PoolMetrics()
  metrics.collector.setup(new MetricStore(systemClock))
  const pools = new NamedPools(config, systemClock, log, (pool) => metrics.add(pool))
  await pools.start()
  const { sql } = pools.get()
  return () => sql`SELECT 1`
}

function bare(url: string, options: object): Query {
  const sql = postgres(url, { max: connections, idle_timeout: 0, ...options })
  return () => sql`SELECT 1`
}

function pgPool(url: string): Query {
  const pool = new pg.Pool({ connectionString: url, max: connections })
  return () => pool.query('SELECT 1')
}

function bunSql(url: string): Query {
  const sql = new Bun.SQL({ url, max: connections })
  return () => sql`SELECT 1`
}

const baseline = (url: string) => bare(url, { max_pipeline: 0 })
const variants: Readonly<Record<string, { readonly open: (url: string) => Query | Promise<Query>; goal?: number }>> = {
  null: { open: baseline },
  'postgres.js, its default': { open: (url) => bare(url, {}) },
  'pg.Pool': { open: pgPool },
  'Bun.SQL': { open: bunSql },
  'pool over postgres.js': { open: (url) => ours(url, 'postgres'), goal: 1.1 },
  'pool over Bun.SQL': { open: (url) => ours(url, 'bun'), goal: 0.8 },
}

/** @returns microseconds of CPU a query */
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

/** In a process of its own: the ratio of one variant to the baseline. */
async function measure(url: string, name: string, atOnce: number) {
  const queries = Number(values.queries)
  const [base, query] = [baseline(url), await variants[name]!.open(url)]
  for (let warm = 0; warm < 5; warm += 1)
    for (const each of [base, query]) await segment(each, atOnce, Math.max(queries, 2_000))
  const [ratios, micros]: [number[], number[]] = [[], []]
  let last = await segment(base, atOnce, queries)
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const mine = await segment(query, atOnce, queries)
    const next = await segment(base, atOnce, queries)
    ratios.push(mine / ((last + next) / 2))
    micros.push(mine)
    last = next
  }
  return { ratio: median(ratios), micros: median(micros) }
}

async function measureApart(url: string, name: string, atOnce: string): ReturnType<typeof measure> {
  const { rounds, queries } = values
  const flags = ['--variant', name, '--rounds', rounds, '--queries', queries, '--concurrency', atOnce]
  const child = Bun.spawn([process.execPath, import.meta.path, ...flags], {
    stderr: 'inherit',
    env: { ...process.env, DATABASE_URL: url },
  })
  return JSON.parse(await new Response(child.stdout).text())
}

async function compare(url: string): Promise<readonly string[]> {
  const missed: string[] = []
  const chosen = Object.entries(variants).filter(
    ([name]) => values.only === undefined || values.only.split(',').some((each) => name.includes(each)),
  )
  for (const atOnce of values.concurrency.split(',')) {
    const results = new Map<string, Awaited<ReturnType<typeof measure>>[]>(chosen.map(([name]) => [name, []]))
    for (let pass = 0; pass < Number(values.passes); pass += 1)
      for (const [name, passes] of results) passes.push(await measureApart(url, name, atOnce))
    console.log(`\n${atOnce} at a time`)
    console.table(
      chosen.map(([name, { goal }]) => {
        const passes = results.get(name)!
        const ratios = passes.map(({ ratio }) => ratio)
        const ratio = median(ratios)
        const counts = goal !== undefined && atOnce === '16'
        if (counts && ratio > goal) missed.push(`${name}: ${ratio.toFixed(3)} > ${goal}`)
        return {
          variant: name,
          'ratio to postgres.js': ratio.toFixed(3),
          range: `${Math.min(...ratios).toFixed(3)}-${Math.max(...ratios).toFixed(3)}`,
          µs: median(passes.map(({ micros }) => micros)).toFixed(1),
          goal: counts ? `≤ ${goal}` : '',
        }
      }),
    )
  }
  return missed
}

if (values.variant !== undefined) {
  console.log(JSON.stringify(await measure(process.env.DATABASE_URL!, values.variant, Number(values.concurrency))))
  process.exit(0)
}
const server = values.url === undefined ? await privatePostgres() : undefined
const missed = await compare(values.url ?? server!.url)
await server?.stop()
for (const one of missed) console.log(`missed ${one}`)
process.exit(values.check && missed.length > 0 ? 1 : 0)
