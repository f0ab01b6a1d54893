/**
 * What the read endpoints of the admin API take, over a socket, with 24 hours of system metrics in the store. Beside
 * them what the original gateway took for the same, measured on a database of ordinary size.
 *
 *     bun scripts/bench/admin.ts [--rounds 200]
 *
 * Prints p50 and p99 in milliseconds, the processor time that the server spends on a request, which other programs hardly
 * lengthen, and whether every p99 is within the goal.
 */

import { Database } from 'bun:sqlite'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' } } })
const rounds = Number(values.rounds)
const goalMs = 20
const root = join(import.meta.dir, '../..')

/** Milliseconds that the original gateway took, where it had the endpoint: p99, but for system/info, which always slept. */
const originals: Readonly<Record<string, number>> = {
  '/admin/metrics/system?hours=24': 107,
  '/admin/dashboard/summary': 333,
  '/admin/system/info': 1_000,
  '/admin/health/comprehensive': 198,
}
/** What is asked in place of a bare path. */
const queries: Readonly<Record<string, readonly string[]>> = {
  '/admin/metrics/system': ['/admin/metrics/system?hours=24'],
  '/admin/logs/recent': ['/admin/logs/recent?limit=100', '/admin/logs/recent?limit=1000'],
  '/admin/audit': ['/admin/audit?limit=100'],
}
/** They do not end, or are as long as the log. */
const unbounded = ['/admin/stream', '/admin/audit/export', '/admin/audit/verify', '/admin/audit/stream']

const folder = mkdtempSync(join(tmpdir(), 'arkwatch-bench-admin-'))
writeFileSync(
  join(folder, 'config.yaml'),
  `server: { port: 0 }
data: ./data
environment: production
plugins:
  logging:
  metrics:
  health:
  store:
  audit:
  admin: { rateLimit: { requests: 1000000 } }
`,
)

async function start() {
  const child = Bun.spawn([process.execPath, join(root, 'cli/arkwatch.ts'), 'start', '--no-watch'], {
    cwd: folder,
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk)
    const url = /listens on (http:\/\/[\d.:]+)/.exec(text)?.[1]
    if (url !== undefined) {
      return {
        url,
        async stop() {
          child.kill('SIGTERM')
          await child.exited
        },
      }
    }
  }
  throw new Error(`it did not start:\n${text}`)
}

function fill(): number {
  const db = new Database(join(folder, 'data/store.db'))
  const nowMs = Date.now()
  const insert = db.prepare(
    'INSERT INTO admin_system_metrics (time_ms, cpu_percent, memory_percent, memory_available_mb, disk_percent, disk_free_gb) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const rows = 24 * 60
  db.transaction(() => {
    for (let minute = rows; minute > 0; minute -= 1) insert.run(nowMs - minute * 60_000, 12.5, 40.25, 8_000.5, 60, 100)
  })()
  db.close()
  return rows
}

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!

// Once to make the tables, then with a day in them.
await (await start()).stop()
const rows = fill()
const { url, stop } = await start()
const headers = { 'x-admin-key': readFileSync(join(folder, 'data/admin.key'), 'utf8').trim() }
const described = (await (await fetch(`${url}/admin/openapi.json`, { headers })).json()) as {
  paths: Record<string, Record<string, { 'x-plugin'?: string }>>
}
const reads = Object.keys(described.paths).filter(
  (path) => described.paths[path]!.get !== undefined && !path.includes('{') && !unbounded.includes(path),
)
const endpoints: string[] = []
for (const path of reads.flatMap((each) => queries[each] ?? [each])) {
  const { status } = await fetch(`${url}${path}`, { headers })
  if (status === 200) endpoints.push(path)
  else if (status === 501) console.log(`not measured, since its plugin is not on: ${path}`)
  else throw new Error(`${path} answered ${status}`)
}
console.log(`${rows} rows of system metrics, ${rounds} rounds, endpoints interleaved`)
const times = new Map<string, number[]>(endpoints.map((path) => [path, []]))
const warmUp = 20
for (let round = -warmUp; round < rounds; round += 1) {
  for (const path of endpoints) {
    const beganMs = performance.now()
    const response = await fetch(`${url}${path}`, { headers })
    await response.arrayBuffer()
    const tookMs = performance.now() - beganMs
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`)
    if (round >= 0) times.get(path)!.push(tookMs)
  }
}
const { pid } = (await (await fetch(`${url}/admin/status`, { headers })).json()) as { pid: number }
/** Processor time of the server and all of its threads, in milliseconds; ticks of the kernel are of 10 ms. */
const spentMs = () => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
const cpuRequests = 200
const cpu = new Map<string, number>()
for (const path of endpoints) {
  const before = spentMs()
  for (let sent = 0; sent < cpuRequests; sent += 1) await (await fetch(`${url}${path}`, { headers })).arrayBuffer()
  cpu.set(path, (spentMs() - before) / cpuRequests)
}
console.log('p50 ms    p99 ms    cpu ms    original  endpoint')
let worst = 0
for (const path of endpoints) {
  const sorted = times.get(path)!.toSorted((a, b) => a - b)
  const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)]
  worst = Math.max(worst, p99)
  const original = String(originals[path] ?? '-')
  console.log(
    `${p50.toFixed(2).padEnd(10)}${p99.toFixed(2).padEnd(10)}${cpu.get(path)!.toFixed(2).padEnd(10)}${original.padEnd(10)}${path}`,
  )
}
console.log(`worst p99 ${worst.toFixed(2)} ms, goal ${goalMs} ms: ${worst < goalMs ? 'met' : 'MISSED'}`)
await stop()
rmSync(folder, { recursive: true })
process.exit(worst < goalMs ? 0 : 1)
