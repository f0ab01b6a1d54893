#!/usr/bin/env bun
/**
 * How long `/readyz` and `/health/comprehensive` take while every dependency is black-holed, over real sockets.
 *
 *   bun scripts/bench/health [CUSTOM_CHECKS] [REQUESTS]
 *
 * The dependencies accept and never answer; the server is a process of its own; passes over the routes are interleaved.
 * Exits 1 when the median of the passes' p99 is over 5 ms (`/readyz`) or 10 ms (`/health/comprehensive`), and 2 when the
 * same runtime without checks is over 2.5 ms: the machine is then too busy to judge.
 */
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Connection, measure, type Timing } from './health/client.ts'

const customChecks = Number(process.argv[2] ?? 20)
const requests = Number(process.argv[3] ?? 2_000)
const passes = 5
const perSecond = 1_000
const maxControlMs = 2.5
const goals: readonly { path: string; p99Ms: number }[] = [
  { path: '/livez', p99Ms: 5 },
  { path: '/readyz', p99Ms: 5 },
  { path: '/health', p99Ms: 10 },
  { path: '/health/comprehensive', p99Ms: 10 },
]

let swallowed = 0
const hole = createServer((socket) => {
  swallowed += 1
  socket.on('error', () => {})
  socket.resume()
})
await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve))
const { port } = hole.address() as { port: number }
const silent = createSocket('udp4')
await new Promise<void>((resolve) => silent.bind(port, '127.0.0.1', resolve))

const data = mkdtempSync(join(tmpdir(), 'arkwatch-bench-'))
async function startServer(holePort: number) {
  const command = [process.execPath, join(import.meta.dir, 'health/server.ts'), String(holePort), String(customChecks)]
  const child = Bun.spawn([...command, join(data, String(holePort))], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const { value } = await child.stdout.getReader().read()
  const url = new URL(new TextDecoder().decode(value).trim())
  const connections = await Promise.all(Array.from({ length: 8 }, () => Connection.open(url)))
  return {
    url,
    connections,
    async stop() {
      for (const connection of connections) connection.close()
      child.stdin.end()
      await child.exited
    },
  }
}
/** What the machine itself does to a request: the same runtime without any check. */
const control = await startServer(0)
const server = await startServer(port)
const { url, connections } = server

// Every check must have run into its timeout before it counts.
type Report = { checks: Record<string, { status: string }> }
const report = async () => (await (await fetch(new URL('/health/comprehensive', url))).json()) as Report
const isBlackHoled = async () => Object.values((await report()).checks).every(({ status }) => status === 'down')
while (!(await isBlackHoled())) await Bun.sleep(200)
for (const { path } of goals) await measure(connections, path, requests, perSecond)

const rows = [
  { name: '/livez, no checks', path: '/livez', connections: control.connections, goalMs: undefined },
  ...goals.map(({ path, p99Ms }) => ({ name: path, path, connections, goalMs: p99Ms })),
]
const results = new Map<string, Timing[]>(rows.map(({ name }) => [name, []]))
for (let pass = 0; pass < passes; pass += 1) {
  for (const row of rows) results.get(row.name)!.push(await measure(row.connections, row.path, requests, perSecond))
}
const checks = Object.keys((await report()).checks).length
const load = loadavg()[0]!.toFixed(1)

await control.stop()
await server.stop()
hole.close()
silent.close()
rmSync(data, { recursive: true, force: true })

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!
const cell = (ms: number) => `${ms.toFixed(2)} ms`.padStart(9)
console.log(
  `${checks} checks, all black-holed (${swallowed} connections swallowed); ${passes} passes of ${requests} requests,`,
)
console.log(
  `${perSecond}/s over ${connections.length} connections, times from when each request was due; median of the passes; load average ${load}\n`,
)
console.log('| route                  | status |       p50 |       p99 |  best p99 |       max |      goal |')
console.log('|------------------------|--------|-----------|-----------|-----------|-----------|-----------|')
let isOver = false
for (const { name, goalMs } of rows) {
  const timings = results.get(name)!
  const p50 = median(timings.map((timing) => timing.p50Ms))
  const p99 = median(timings.map((timing) => timing.p99Ms))
  const best = Math.min(...timings.map((timing) => timing.p99Ms))
  const maxMs = Math.max(...timings.map((timing) => timing.maxMs))
  if (goalMs !== undefined && p99 > goalMs) isOver = true
  const goal = goalMs === undefined ? 'control  ' : cell(goalMs)
  console.log(
    `| ${name.padEnd(22)} |    ${timings[0]!.status} | ${cell(p50)} | ${cell(p99)} | ${cell(best)} | ${cell(maxMs)} | ${goal} |`,
  )
}
const controlP99 = median(results.get(rows[0]!.name)!.map((timing) => timing.p99Ms))
const isBusy = controlP99 > maxControlMs
if (isBusy) console.log(`\nno verdict: the control's p99 is over ${maxControlMs} ms, so the machine is too busy`)
process.exit(isBusy ? 2 : isOver ? 1 : 0)
