#!/usr/bin/env bun
/**
 * The test command: starts the real services once, runs every test, stops them, ends with the line
 * `N passed, N failed, N skipped`.
 *
 *   npm test                                   everything
 *   npm test -- test/core --timeout 60000      files whose path holds an argument; flags go to `bun test`
 *   npm run proof                              the same with full counts and durations
 *
 * A run of everything also fails for each error code that no test raised. Exit code 1 on any failure, and with CI=true on any skipped test. ARKWATCH_TEST_SEED repeats generated cases.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { neverRaised } from './never-raised.ts'
import { startShared } from './services/shared.ts'
import { readReport, type Tally } from './test-report.ts'

const root = join(import.meta.dir, '..')
const isProof = process.argv.includes('--proof')
const given = process.argv.slice(2).filter((argument) => argument !== '--proof')
const firstFlag = given.findIndex((argument) => argument.startsWith('-'))
const filters = (firstFlag === -1 ? given : given.slice(0, firstFlag)).map((path) => path.replace(/^\.\//, ''))
const flags = firstFlag === -1 ? [] : given.slice(firstFlag)
const seed = process.env.ARKWATCH_TEST_SEED || String(Math.floor(Math.random() * 2 ** 31))

/** Paths from the root, in order of name. */
function testFiles(): string[] {
  const found = [...new Bun.Glob('{test,examples}/**/*.test.{ts,tsx}').scanSync({ cwd: root })]
    .filter((file) => !file.includes('node_modules/'))
    .sort()
  return filters.length === 0 ? found : found.filter((file) => filters.some((filter) => file.includes(filter)))
}

async function runTests(files: readonly string[], env: Record<string, string>, reportFile: string): Promise<Tally> {
  // One more than the cores: a process that waits for a server or a child leaves its core to another.
  const parallel = Math.min(4, availableParallelism() + 1)
  const reporter = ['--reporter=junit', `--reporter-outfile=${reportFile}`]
  const child = Bun.spawn(
    [
      process.execPath,
      'test',
      `--preload=${join(root, 'test/support/preload.ts')}`,
      `--parallel=${parallel}`,
      `--timeout=${isProof ? 600_000 : 20_000}`,
      ...reporter,
      ...flags,
      ...files.map((file) => `./${file}`),
    ],
    { cwd: root, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit', env: { ...process.env, ...env } },
  )
  running = child
  const exitCode = await child.exited
  const report = Bun.file(reportFile)
  // Files in which nothing has the name asked for report nothing.
  const isByName = flags.some((flag) => /^(-t|--test-name-pattern)/.test(flag))
  return readReport((await report.exists()) ? await report.text() : '', isByName ? [] : files, exitCode)
}

let running: { kill(signal?: NodeJS.Signals): void; exited: Promise<number> } | undefined
const work = mkdtempSync(join(tmpdir(), 'arkwatch-test-'))
const files = testFiles()
if (files.length === 0) {
  console.error(`no test file's path holds ${filters.join(' or ')}`)
  process.exit(1)
}
console.log(`starting postgres, mariadb, redis, prometheus; seed ${seed}${isProof ? '; full counts' : ''}`)
let isInterrupted = false
const starting = startShared({ say: (line) => console.log(line) })

/** Ends everything that was started, also after Ctrl-C, and while it is still being started. */
async function cleanUp(): Promise<void> {
  running?.kill('SIGKILL')
  await running?.exited
  await starting.then(
    (services) => services.stop(),
    () => {},
  )
  rmSync(work, { recursive: true, force: true })
}
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => {
    isInterrupted = true
    void cleanUp().finally(() => process.exit(code))
  })
}
const services = await starting.catch(async (thrown: Error) => {
  await cleanUp()
  console.error(thrown.message)
  process.exit(1)
})

// The handler of the signal ends the process.
if (isInterrupted) await new Promise(() => {})

// What tests leave in the temporary folder goes with it.
const temporary = { TMPDIR: services.env.ARKWATCH_TEST_DATA_DIR as string }
const env = { ...services.env, ...temporary, ARKWATCH_TEST_SEED: seed, ...(isProof ? { ARKWATCH_PROOF: '1' } : {}) }
const raisedDir = join(work, 'raised')
mkdirSync(raisedDir)
const run = async (): Promise<Tally> => {
  const tally = await runTests(files, { ...env, ARKWATCH_TEST_RAISED_DIR: raisedDir }, join(work, 'report.xml'))
  // What failed, or ran in part, may not have come to what it raises.
  if (given.length > 0 || tally.failed > 0) return tally
  const problems = (await neverRaised(root, raisedDir)).map((code) => `failed: no test raises ${code}`)
  return { ...tally, failed: problems.length, problems: [...tally.problems, ...problems] }
}
const tally = await run().finally(cleanUp)
for (const line of tally.problems) console.log(line)
const isCi = process.env.CI === 'true'
if (tally.failed > 0) console.log(`repeat generated cases with ARKWATCH_TEST_SEED=${seed}`)
if (isCi && tally.skipped > 0) console.log('a skipped test fails in CI')
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`)
process.exit(tally.failed > 0 || (isCi && tally.skipped > 0) ? 1 : 0)
