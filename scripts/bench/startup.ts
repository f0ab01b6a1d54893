/**
 * How long a cold start takes until /readyz answers, and what an idle process costs, with the shipped config.yaml.
 *
 *     bun scripts/bench/startup.ts [--runs 7] [--idle 20]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parse, stringify } from 'yaml'

const root = join(import.meta.dir, '../..')
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '7' }, idle: { type: 'string', default: '20' } },
})
const runs = Number(values.runs)
const idleSeconds = Number(values.idle)
const ticksPerSecond = 100

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

const cpuSeconds = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
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
    await Bun.sleep(5_000)
    const before = cpuSeconds(child.pid)
    await Bun.sleep(idleSeconds * 1_000)
    const share = ((cpuSeconds(child.pid) - before) / idleSeconds) * 100
    console.log(`idle RSS      ${rssMiB(child.pid).toFixed(0)} MiB   (goal < 110 MB)`)
    console.log(`idle CPU      ${share.toFixed(2)} % of a core over ${idleSeconds} s   (goal <= 0.3 %)`)
  }
  child.kill('SIGTERM')
  await child.exited
  rmSync(folder, { recursive: true, force: true })
}
const spread = `min ${Math.min(...starts).toFixed(0)}, max ${Math.max(...starts).toFixed(0)}, ${runs} runs`
console.log(`spawn to 200  ${median(starts).toFixed(0)} ms median (${spread})   (goal < 500 ms)`)
