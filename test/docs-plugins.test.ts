import { describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Hono } from 'hono'
import type { AnyPlugin } from '../core/contract/definition.ts'
import { definePlugin, z } from '../core/plugin.ts'
import metrics from '../plugins/metrics/index.ts'
import { testRuntime } from '../testing/index.ts'
import { blocksOf } from './support/doc-blocks.ts'

const root = join(import.meta.dir, '..')
const page = await Bun.file(join(root, 'docs/plugins.md')).text()
const blocks = blocksOf(page, 'docs/plugins.md').filter(({ language }) => language === 'ts')
const plugins = blocks.filter(({ text }) => text.includes('export default definePlugin'))

/** The files of tasks and threads, whose path stands in a comment. */
const files = blocks.flatMap(({ text }) => {
  const [, path] = /^\/\*\* (\S+\.ts) \*\/$/m.exec(text) ?? []
  return path === undefined ? [] : [[path, text] as const]
})

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
        mkdirSync(join(dir, 'tasks'))
        for (const [path, file] of files) writeFileSync(join(dir, path), file)
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
        if (name === 'tenants') {
          expect(await booted.runtime.commands().get('tenants.bob')!.run({})).toEqual({ tenant: 'bob' })
        }
        if (name === 'notice') {
          await booted.reload({ plugins: { metrics: {}, notice: { path: '/new' } } })
          expect([(await booted.fetch('/notice')).status, (await booted.fetch('/new')).status]).toEqual([404, 200])
        }
        const logged = booted.lines.map(({ message, fields }) => [message, fields])
        if (name === 'reporter')
          expect(logged).toEqual(
            expect.arrayContaining([
              ['adding', { done: 0 }],
              ['added', { sum: 6 }],
            ]),
          )
        if (name === 'words') {
          const words = ['one', 'two', 'three'].map((word) => ['word', { word }])
          expect(logged).toEqual(expect.arrayContaining([...words, ['counted', { count: 3 }]]))
        }
        const states = booted.runtime.status().plugins.map(({ name, state }) => [name, state])
        expect(Object.fromEntries(states)[module.default.name]).toBe(name === 'uploader' ? 'disabled' : 'ok')
      } finally {
        rmSync(dir, { recursive: true })
      }
    },
  )

  test('names every member of the types that an author implements or receives', () => {
    const types =
      'PluginDefinition PluginContext PluginParts RequestParts Handover ConfigContext Conflict DeclaredListener PluginClock Clock ' +
      'EveryOptions Extensions Contributed PointRules RequestHooks RequestScope Workers RunOptions TaskContext Failure ' +
      'DedicatedOptions DedicatedWorker RequestOptions RequestContext'
    const code = [
      ...blocks.map(({ text }) => text),
      ...[...page.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text),
    ].join('\n')
    const words = new Set(code.match(/[A-Za-z_]\w*/g))
    const wanted = new Set(types.split(' '))
    const missing: string[] = []
    for (const file of new Bun.Glob('core/{contract,process}/*.ts').scanSync({ cwd: root })) {
      const source = readFileSync(join(root, file), 'utf8')
      for (const [, type, body] of source.matchAll(/^export interface (\w+)[^;]*?\{\n([\s\S]*?)^\}/gm)) {
        if (!wanted.delete(type!)) continue
        for (const [, member] of body!.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm))
          if (!words.has(member!)) missing.push(`${type}.${member}`)
      }
    }
    expect([...wanted]).toEqual([])
    expect(missing).toEqual([])
  })

  test('answers with the status of its error, on a public route', async () => {
    const dir = temporary()
    try {
      writeFileSync(join(dir, 'errors.ts'), blocks.find(({ text }) => text.includes("defineErrors('queue'"))!.text)
      const { queueError } = await import(join(dir, 'errors.ts'))
      const queue = definePlugin({
        ...{ api: 1, name: 'queue', version: '1.0.0', summary: 'Is full.', config: z.strictObject({}) },
        setup: () => ({
          routes: new Hono().get('/queue', () => {
            throw queueError('QUEUE_FULL', { queue: 'mail', size: 3 })
          }),
        }),
      })
      await using booted = await testRuntime({ plugins: [queue] })
      const response = await booted.runtime.fetch(new Request('http://localhost/queue'))
      expect([response.status, await response.json()]).toEqual([
        503,
        expect.objectContaining({ code: 'QUEUE_FULL', detail: 'queue mail holds 3 jobs already' }),
      ])
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  test('runs its test', () => {
    const dir = temporary()
    try {
      const block = blocks.find(({ text }) => text.includes('pluginContract(ticker'))!
      writeFileSync(join(dir, 'ticker.test.ts'), block.text)
      const child = Bun.spawnSync([process.execPath, 'test', dir], { cwd: root, stderr: 'pipe' })
      expect(child.stderr.toString()).toContain(' 0 fail')
      expect(child.exitCode).toBe(0)
    } finally {
      rmSync(dir, { recursive: true })
    }
  }, 60_000)
})
