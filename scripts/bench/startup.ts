/**
 * How long a cold start takes until /readyz answers, and what an idle process costs, with the shipped config.yaml.
 *
 *     bun scripts/bench/startup.ts [--runs 7] [--settle 45] [--idle 60]
 *
 * The idle figures come after `settle` seconds, in which the code of the boot is compiled and Bun's collector calms down.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parse, stringify } from 'yaml'

const root = join(import.meta.dir, '../..')
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    settle: { type: 'string', default: '45' },
    idle: { type: 'string', default: '60' },
  },
})
const runs = Number(values.runs)
const idleSeconds = Number(values.idle)
const settleSeconds = Number(values.settle)

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

/** The shipped configuration on free ports, with its data in a folder of its own. */
async function configIn(folder: string): Promise<{ file: string; port: number }> {
  const config = parse(readFileSync(join(root, 'config.yaml'), 'utf8'))
  const port = await freePort()
  config.server = { ...config.server, port }
  config.data = join(folder, 'data')
  if (config.plugins.health?.watchdog?.port !== undefined) config.plugins.health.watchdog.port = await freePort()
  const file = join(folder, 'config.yaml')
  await Bun.write(file, stringify(config))
  return { file, port }
}

/** CPU seconds by thread name, to the nanosecond. */
function cpuSeconds(pid: number): Map<string, number> {
  const byName = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      const folder = `/proc/${pid}/task/${task}`
      const name = readFileSync(`${folder}/comm`, 'utf8').trim()
      const seconds = Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1e9
      byName.set(name, (byName.get(name) ?? 0) + seconds)
    } catch {
      // The thread has ended.
    }
  }
  return byName
}
const rssMiB = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

async function start(folder: string) {
  const { file, port } = await configIn(folder)
  const startedMs = performance.now()
  const child = Bun.spawn([process.execPath, join(root, 'cli/arkwatch.ts'), 'start', '-c', file], {
    stdout: 'ignore',
    stderr: 'ignore',
    env: { ...process.env, DATABASE_URL: undefined, REDIS_URL: undefined },
  })
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (answered) return { child, ms: performance.now() - startedMs }
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`)
    await Bun.sleep(2)
  }
}

const starts: number[] = []
for (let run = 0; run < runs; run += 1) {
  const folder = mkdtempSync(join(tmpdir(), 'arkwatch-bench-'))
  const { child, ms } = await start(folder)
  starts.push(ms)
  if (run === runs - 1) {
    await Bun.sleep(settleSeconds * 1_000)
    const before = cpuSeconds(child.pid)
    await Bun.sleep(idleSeconds * 1_000)
    const after = [...cpuSeconds(child.pid)]
    const shares = after.map(
      ([name, seconds]) => [name, ((seconds - (before.get(name) ?? 0)) / idleSeconds) * 100] as const,
    )
    const share = shares.reduce((sum, [, each]) => sum + each, 0)
    console.log(`idle RSS      ${rssMiB(child.pid).toFixed(0)} MiB   (goal < 110 MB)`)
    console.log(`idle CPU      ${share.toFixed(2)} % of a core over ${idleSeconds} s   (goal <= 0.3 %)`)
    for (const [name, each] of shares.toSorted((a, b) => b[1] - a[1])) {
      if (each >= 0.005) console.log(`  ${name.padEnd(18)} ${each.toFixed(3)} %`)
    }
  }
  child.kill('SIGTERM')
  await child.exited
  rmSync(folder, { recursive: true, force: true })
}
const spread = `min ${Math.min(...starts).toFixed(0)}, max ${Math.max(...starts).toFixed(0)}, ${runs} runs`
console.log(`spawn to 200  ${median(starts).toFixed(0)} ms median (${spread})   (goal < 500 ms)`)
