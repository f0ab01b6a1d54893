import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readReport } from '../../scripts/test-report.ts'

const sources = {
  'mixed.test.ts': `import { expect, test } from 'bun:test'
    test('a passes', () => {}); test.skip('b > waits', () => {}); test('c fails', () => expect(1).toBe(2))`,
  'broken.test.ts': `throw new Error('cannot load')`,
  'quits.test.ts': `import { test } from 'bun:test'; test('quits', () => process.exit(0))`,
  'green.test.ts': `import { test } from 'bun:test'; test('passes', () => {})`,
}

/** Runs `bun test` as the test command does, over the named sources. */
function report(...names: (keyof typeof sources)[]) {
  const dir = mkdtempSync(join(tmpdir(), 'arkwatch-report-'))
  try {
    for (const name of names) writeFileSync(join(dir, name), sources[name])
    const outFile = join(dir, 'report.xml')
    const args = ['test', '--parallel=2', '--reporter=junit', `--reporter-outfile=${outFile}`]
    const child = Bun.spawnSync([process.execPath, ...args, ...names.map((name) => `./${name}`)], { cwd: dir })
    const xml = Bun.spawnSync(['cat', outFile]).stdout.toString()
    return readReport(xml, names, child.exitCode)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

test('passed, failed and skipped tests are counted, and each skipped one is named', () => {
  expect(report('mixed.test.ts', 'green.test.ts')).toEqual({
    passed: 2,
    failed: 1,
    skipped: 1,
    problems: ['skipped: mixed.test.ts: b > waits'],
  })
})

test('a file that cannot be loaded is a failure, although the report leaves it out', () => {
  const { passed, failed, problems } = report('green.test.ts', 'broken.test.ts')
  expect({ passed, failed }).toEqual({ passed: 1, failed: 1 })
  expect(problems[0]).toContain('broken.test.ts')
})

test('a file that ends the process with code 0 is a failure', () => {
  const { passed, failed } = report('green.test.ts', 'quits.test.ts')
  expect({ passed, failed }).toEqual({ passed: 1, failed: 1 })
})

test('an exit code that no case explains is a failure', () => {
  const xml = '<testsuites><testcase name="x" file="./a.test.ts" /></testsuites>'
  expect(readReport(xml, ['a.test.ts'], 0)).toMatchObject({ passed: 1, failed: 0 })
  expect(readReport(xml, ['a.test.ts'], 1)).toMatchObject({ passed: 1, failed: 1 })
})

test('no report at all fails every file', () => {
  expect(readReport('', ['a.test.ts', 'b.test.ts'], 0)).toMatchObject({ passed: 0, failed: 2 })
})
