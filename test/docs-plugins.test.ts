import { describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyPlugin } from '../core/contract/definition.ts'
import metrics from '../plugins/metrics/index.ts'
import { testRuntime } from '../testing/index.ts'
import { blocksOf } from './support/doc-blocks.ts'

const root = join(import.meta.dir, '..')
const page = await Bun.file(join(root, 'docs/plugins.md')).text()
const blocks = blocksOf(page, 'docs/plugins.md').filter(({ language }) => language === 'ts')
const plugins = blocks.filter(({ text }) => text.includes('export default definePlugin'))

/** A directory below the project, where the names of the package resolve as tsconfig.json says. */
function temporary(): string {
  mkdirSync(join(root, 'data'), { recursive: true })
  return mkdtempSync(join(root, 'data/docs-'))
}

describe('docs/plugins.md', () => {
  test.each(plugins.map((block) => [/name: '(\w+)'/.exec(block.text)![1]!, block] as const))(
    'starts the plugin %s',
    async (name, { text }) => {
      const dir = temporary()
      try {
        writeFileSync(join(dir, 'plugin.ts'), text)
        const module = (await import(join(dir, 'plugin.ts'))) as Record<string, unknown> & { default: AnyPlugin }
        const others = Object.values(module).filter(
          (each) => each !== module.default && typeof (each as AnyPlugin).setup === 'function',
        ) as AnyPlugin[]
        await using booted = await testRuntime({
          plugins: [module.default, ...others, metrics],
          config: { plugins: { metrics: {} } },
        })
        if (name === 'tally')
          expect(await booted.runtime.commands().get('tally.add')!.run({ by: 2 })).toEqual({ sum: 2 })
        const states = booted.runtime.status().plugins.map(({ name, state }) => [name, state])
        expect(Object.fromEntries(states)[module.default.name]).toBe(name === 'uploader' ? 'disabled' : 'ok')
      } finally {
        rmSync(dir, { recursive: true })
      }
    },
  )

  test('runs its test', () => {
    const dir = temporary()
    try {
      const block = blocks.find(({ text }) => text.includes('pluginContract(ticker)'))!
      writeFileSync(join(dir, 'ticker.test.ts'), block.text)
      const child = Bun.spawnSync([process.execPath, 'test', dir], { cwd: root, stderr: 'pipe' })
      expect(child.stderr.toString()).toContain(' 0 fail')
      expect(child.exitCode).toBe(0)
    } finally {
      rmSync(dir, { recursive: true })
    }
  }, 60_000)
})
