/**
 * How long a reload holds up the event loop: the processor time of the busiest turn, and the whole, with the shipped config.yaml and with 300 checks.
 *
 *     bun scripts/bench/reload.ts [--rounds 20]
 *
 * Turns are in processor time of the main thread, which other programs do not lengthen; the first reload compiles.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parse, stringify } from 'yaml'
import { Runtime } from '../../core/contract/runtime-api.ts'
import { createRuntime } from '../../core/runtime.ts'
import { catalog } from '../../plugins/catalog.ts'
import { environmentOverlays } from '../../plugins/environment.ts'
import { busiestTurn } from '../../test/support/longest-turn.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } })
const rounds = Number(values.rounds)
const shipped = parse(readFileSync(join(import.meta.dir, '../../config.yaml'), 'utf8'))

function configWith(checks: number) {
  const { plugins } = structuredClone(shipped)
  delete plugins.health.watchdog
  for (let index = 0; index < checks; index += 1) {
    plugins.health.checks[`disk${index}`] = { kind: 'disk', path: '/', every: '1h', initialDelay: '1h' }
  }
  return { server: { port: 0 }, plugins: { ...plugins, logging: { console: { enabled: false } } } }
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

const rows = []
for (const checks of [0, 300]) {
  const folder = mkdtempSync(join(tmpdir(), 'arkwatch-bench-'))
  const file = join(folder, 'config.yaml')
  await Bun.write(file, stringify(configWith(checks)))
  const runtime = await createRuntime({ file, env: {}, catalog, overlays: environmentOverlays, cwd: folder })
  const turns: number[] = []
  const wholes: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now()
    turns.push(await busiestTurn(async () => void (await runtime.reload())))
    wholes.push(performance.now() - startedMs)
  }
  const description = await busiestTurn(async () => void (await runtime.service(Runtime).describeConfig()))
  rows.push({
    checks,
    'KiB of YAML': (Bun.file(file).size / 1_024).toFixed(0),
    'busiest turn, min CPU ms': Math.min(...turns).toFixed(1),
    'busiest turn, median CPU ms': median(turns).toFixed(1),
    'first reload, busiest turn CPU ms': turns[0]!.toFixed(1),
    'description, busiest turn CPU ms': description.toFixed(1),
    'whole, median ms': median(wholes).toFixed(1),
    goal: '≤ 5',
  })
  await runtime.stop()
  rmSync(folder, { recursive: true, force: true })
}
console.table(rows)
process.exit(0)
