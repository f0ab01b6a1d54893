#!/usr/bin/env bun
/**
 * What a request costs in CPU over real sockets, as a ratio to the same Hono application bare.
 *
 *     bun scripts/bench/request-overhead.ts [--passes 5] [--quick] [--only NAME]... [--against NAME] [--hello] [--check]
 *
 * A duel: one process holds both applications and lets them answer in turn; each segment of the variant is compared with
 * the mean of the bare segments on both sides. `bare` against itself tells the resolution. Needs wrk, and two cores: the
 * server runs on the first, wrk on the second. --hello leaves the realistic route out, which needs PostgreSQL and Redis;
 * --against compares with another variant than `bare`; --check exits with 1 where a goal is missed. The variants
 * `performance.now` and `kernel clock` must be named: `--against performance.now --only 'kernel clock'`.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Pass, Row } from './request-overhead/report.ts'
import { judge, overPasses, shown, table } from './request-overhead/report.ts'
import type { RouteKind } from './request-overhead/routes.ts'
import { variants } from './request-overhead/variants.ts'

const { values } = parseArgs({
  options: {
    passes: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    against: { type: 'string', default: 'bare' },
    hello: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const { against } = values
const passes = values.quick ? 1 : Number(values.passes)
const wrkConnections = 32

interface Course {
  readonly kind: RouteKind
  readonly requests: number
  readonly warmUp: number
  readonly segments: number
}
const share = values.quick ? 4 : 1
const short: Course = { kind: 'hello', requests: 2_000, warmUp: 30, segments: 1 + 200 / share }
const long: Course = { kind: 'hello', requests: 40_000, warmUp: 2, segments: 1 + 24 / share }
const realistic: Course = { kind: 'realistic', requests: 400, warmUp: 20, segments: 1 + 160 / share }

for (const [program, install] of [
  ['wrk', 'apt-get install wrk, or brew install wrk'],
  ['taskset', 'apt-get install util-linux'],
] as const) {
  if (Bun.which(program) === null) {
    console.error(`${program} is not on PATH: ${install}`)
    process.exit(69)
  }
}

/** Addresses of the servers that the realistic route needs, started unless the environment names them. */
async function services(): Promise<{ env: Record<string, string>; stop(): Promise<void> }> {
  if (values.hello || process.env.ARKWATCH_TEST_POSTGRES_URL) return { env: {}, stop: async () => {} }
  const { startShared } = await import('../services/shared.ts')
  return startShared({ say: (line) => console.error(line) })
}

async function duel(name: string, course: Course, env: Record<string, string>): Promise<Pass> {
  const { kind, requests, warmUp, segments } = course
  const script = join(import.meta.dir, 'request-overhead/arena.ts')
  const counts = [requests, warmUp, segments].map(String)
  const arena = Bun.spawn(['taskset', '-c', '0', process.execPath, script, against, name, kind, ...counts], {
    stdout: 'pipe',
    stderr: 'inherit',
    env: { ...process.env, ...env, NODE_ENV: 'production' },
  })
  const decoder = new TextDecoder()
  let output = ''
  let wrk: Bun.Subprocess | undefined
  for await (const chunk of arena.stdout) {
    output += decoder.decode(chunk, { stream: true })
    if (wrk !== undefined || !output.includes('\n')) continue
    const load = ['wrk', '-t1', `-c${wrkConnections}`, '-d1h', output.slice(0, output.indexOf('\n'))]
    wrk = Bun.spawn(['taskset', '-c', '1', ...load], { stdout: 'ignore', stderr: 'ignore' })
  }
  wrk?.kill()
  await wrk?.exited
  if ((await arena.exited) !== 0) throw new Error(`${name} on ${kind} ended early`)
  return JSON.parse(output.slice(output.indexOf('\n') + 1)) as Pass
}

const wanted = variants.filter(
  ({ name, unlisted }) => name === against || (values.only.length === 0 ? !unlisted : values.only.includes(name)),
)
const results = new Map(
  wanted.map(({ name }) => [name, { short: [] as Pass[], long: [] as Pass[], realistic: [] as Pass[] }]),
)
const { env, stop } = await services()
try {
  for (let pass = 1; pass <= passes; pass += 1) {
    for (const { name, threaded } of wanted) {
      const result = results.get(name)!
      result.short.push(await duel(name, short, env))
      if (threaded || name === against) result.long.push(await duel(name, long, env))
      if (!values.hello) result.realistic.push(await duel(name, realistic, env))
      console.error(`pass ${pass}/${passes} ${name}: ${shown(overPasses(result.short.slice(-1), 'processUs'))}`)
    }
  }
} finally {
  await stop()
}

const rssOf = (runs: readonly Pass[]) => Math.min(...runs.map(({ rssBytes }) => rssBytes))
const bareRss = rssOf(results.get(against)!.short)
const rows: Row[] = [...results].map(([name, result]) => ({
  name,
  thread: overPasses(result.short, 'threadUs'),
  process: overPasses(result.long.length > 0 && name !== against ? result.long : result.short, 'processUs'),
  realistic: overPasses(result.realistic, 'processUs'),
  rssBytes: rssOf(result.short) - bareRss,
}))
console.log(`Bun ${Bun.version}, ${passes} passes, CPU per request as a ratio to ${against}\n\n${table(rows)}\n`)
const { lines, met } = judge(rows)
if (against === 'bare') console.log(lines.join('\n'))
console.log(`resolution: ${against} in long segments ${shown(overPasses(results.get(against)!.long, 'processUs'))}`)
if (values.check && against === 'bare' && !met) process.exit(1)
