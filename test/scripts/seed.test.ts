import { expect, test } from 'bun:test'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'

const preload = join(import.meta.dir, '../support/preload.ts')

/** The cases that one `fc.assert` without a seed of its own draws in a process of the tests. */
async function drawn(seed: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'arkwatch-seed-'))
  const file = join(folder, 'cases.test.ts')
  writeFileSync(
    file,
    `import { test } from 'bun:test'
    import fc from ${JSON.stringify(Bun.resolveSync('fast-check', import.meta.dir))}
    test('draws', async () => {
      const cases: unknown[] = []
      fc.assert(fc.property(fc.nat(), fc.string(), (...each) => void cases.push(each)), { numRuns: 20 })
      await Bun.write(${JSON.stringify(join(folder, 'cases.json'))}, JSON.stringify(cases))
    })`,
  )
  const child = Bun.spawn([process.execPath, 'test', `--preload=${preload}`, file], {
    env: { ...process.env, ARKWATCH_TEST_SEED: seed },
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  expect(await child.exited).toBe(0)
  return Bun.file(join(folder, 'cases.json')).text()
}

test('two runs with one seed draw the same cases, and a run with another seed draws others', async () => {
  const [first, again, other] = await Promise.all(['1234', '1234', '1235'].map(drawn))
  expect(JSON.parse(first!)).toHaveLength(20)
  expect(again).toBe(first!)
  expect(other).not.toBe(first!)
})

test.skipIf(!process.env.ARKWATCH_TEST_SEED)('the test command seeds this process', () => {
  expect(String(fc.readConfigureGlobal().seed)).toBe(process.env.ARKWATCH_TEST_SEED!)
})
