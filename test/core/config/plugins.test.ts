import { afterAll, describe, expect, test } from 'bun:test'
import { symlinkSync, writeFileSync } from 'node:fs'
import { contractApi, definePlugin } from '../../../core/contract/definition.ts'
import { z } from '../../../core/plugin.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { plugin } from '../../support/hostile.ts'
import { catalog, type Given, load, removeFolders, sectionOf, watcher } from './support.ts'

afterAll(removeFolders)

const contract = new URL('../../../core/plugin.ts', import.meta.url).pathname
const mine = (extra = '') => `import { definePlugin, z } from '${contract}'
export default definePlugin({ api: 1, name: 'own', version: '2.0.0', summary: 'Mine.',
  config: z.strictObject({ threshold: z.number().default(1).describe('T.') }), setup: () => ({}), ${extra} })
`

describe('a plugin of one’s own is named by `from`', () => {
  test('as a path relative to the file that names it; the key is its name', async () => {
    const loaded = await load({
      'config.yaml': 'include: parts/a.yaml\n',
      'parts/a.yaml': 'plugins:\n  mine: { from: ./mine.ts, threshold: 5, required: true }\n',
      'parts/mine.ts': mine(),
    })
    expect(loaded.problems).toEqual([])
    expect(sectionOf(loaded, 'mine')).toMatchObject({
      name: 'mine',
      from: './mine.ts',
      required: true,
      config: { threshold: 5 },
    })
    expect(sectionOf(loaded, 'mine').definition.version).toBe('2.0.0')
  })

  test('as a package', async () => {
    const loaded = await load({
      'config.yaml': 'plugins:\n  mine: { from: arkwatch-plugin-mine }\n',
      'node_modules/arkwatch-plugin-mine/package.json': '{"name":"arkwatch-plugin-mine","main":"index.ts"}',
      'node_modules/arkwatch-plugin-mine/index.ts': mine(),
    })
    expect(loaded.problems).toEqual([])
    expect(sectionOf(loaded, 'mine').config).toEqual({ threshold: 1 })
  })

  test('its options are checked like those of ours', async () => {
    const { problems } = await load({
      'config.yaml': 'plugins:\n  mine: { from: ./mine.ts, treshold: 5 }\n',
      'mine.ts': mine(),
    })
    expect(problems).toEqual([
      '2:28 /plugins/mine/treshold CONFIG_UNKNOWN_KEY unknown key "treshold" | did you mean "threshold"?',
    ])
  })

  test('switched off it is not even imported, and shows nothing', async () => {
    const loaded = await load('plugins:\n  mine: { from: ./gone.ts, enabled: false, password: hunter2 }\n')
    expect(sectionOf(loaded, 'mine')).toMatchObject({ disabled: 'enabled: false', config: undefined })
    expect((await loaded.config.describe()).effective).toMatchObject({
      plugins: { mine: { enabled: false, from: './gone.ts' } },
    })
    expect(JSON.stringify((await loaded.config.describe()).effective)).not.toContain('hunter2')
  })
})

describe('a value that is not a plugin for this contract is refused', () => {
  const wanted = contractApi
  const whole = `api: 1, name: 'own', version: '1', summary: '', config: { safeParseAsync() {} }, setup() {}`
  test.each([
    [
      'another contract',
      whole.replace('api: 1', 'api: 2'),
      `PLUGIN_API_MISMATCH plugin mine was written for contract api 2, this runtime speaks api ${wanted}`,
    ],
    ['no api', whole.replace('api: 1,', ''), 'PLUGIN_INVALID plugin mine: its definition has no number `api`'],
    [
      'no version',
      whole.replace("version: '1',", ''),
      'PLUGIN_INVALID plugin mine: its definition needs `name` and `version`',
    ],
    [
      'no schema',
      whole.replace('config: { safeParseAsync() {} },', ''),
      'PLUGIN_INVALID plugin mine: its definition has no zod schema `config`',
    ],
    ['no setup', whole.replace('setup() {}', ''), 'PLUGIN_INVALID plugin mine: its definition has no function `setup`'],
    [
      'a schema that throws',
      whole.replace('safeParseAsync() {}', "safeParseAsync() { throw new Error('boom') }"),
      'PLUGIN_INVALID plugin mine: its configuration cannot be checked: boom',
    ],
  ])('%s', async (_name, definition, message) => {
    const { problems } = await load({
      'config.yaml': 'plugins:\n  mine: { from: ./mine.ts }\n',
      'mine.ts': `export default { ${definition} }`,
    })
    expect(problems).toEqual([expect.stringContaining(message)])
    expect(problems[0]).toMatch(/^2:(3|17) \/plugins\/mine /)
  })

  test.each([
    ['no default export', { 'mine.ts': 'export const x = 1' }, 'its default export is not a plugin definition'],
    ['a module that is not there', {}, 'cannot be imported: '],
  ])('%s', async (_name, files, message) => {
    const { problems } = await load({ 'config.yaml': 'plugins:\n  mine: { from: ./mine.ts }\n', ...files })
    expect(problems).toEqual([expect.stringContaining(`PLUGIN_INVALID plugin mine: ${message}`)])
  })

  const thrown = (line: string) => ({ 'mine.ts': `\nexport default 1\n${line}\n` })
  test.each<[string, Record<string, string>, RegExp]>([
    ['a module that throws', thrown('throw new Error("boom")'), / mine\.ts:3:\d+: boom/],
    ['a module that throws in a function', thrown('const f = () => null.x\nf()'), / mine\.ts:3:\d+: null/],
    ['a module that throws a text', thrown('throw "boom"'), / mine\.ts: boom/],
    ['a module with a syntax error', thrown('const x = "abc'), / mine\.ts:3:\d+: Unterminated/],
    ['a module with several', thrown('a b\nlet let = 1'), / mine\.ts:3:\d+: .*\(and \d+ more\)/],
    ['a syntax error in a file that it imports', { 'mine.ts': 'import "./b.ts"', 'b.ts': 'a b' }, / b\.ts:1:\d+: Exp/],
    ['a name that a file does not export', { 'mine.ts': 'import { x } from "./b.ts"; x', 'b.ts': '' }, /mine\.ts: .*x/],
  ])('%s, with the place in its code', async (_name, files, message) => {
    const { problems } = await load({ 'config.yaml': 'plugins:\n  mine: { from: ./mine.ts }\n', ...files })
    expect(problems).toEqual([expect.stringMatching(message)])
    expect(problems[0]).toStartWith('2:17 /plugins/mine/from PLUGIN_INVALID plugin mine: cannot be imported: ')
    expect(problems[0]).toEndWith(
      ' | Fix the code of the plugin. Restart the process if a reload still shows the old error.',
    )
  })

  const boom = 'throw new Error("boom")'
  const faulty: [string, Record<string, string>, Record<string, string>?][] = [
    ['a module that threw', { 'mine.ts': `${mine()}\n${boom}` }],
    ['a module that threw after an await', { 'mine.ts': `${mine()}\nawait 1\n${boom}` }],
    ['a module with a syntax error', { 'mine.ts': 'a b' }],
    ['a module that imports a file that is missing', { 'mine.ts': `import './b.ts'\n${mine()}` }],
    ['a module without a default export', { 'mine.ts': 'export const x = 1' }],
    ['a module with another default export', { 'mine.ts': 'export default 1' }],
    ['a module for another api', { 'mine.ts': mine('api: 99') }],
    ['a module whose definition throws', { 'mine.ts': 'export default { get api() { throw 1 } }' }],
    [
      'a file that it imports and that threw',
      { 'mine.ts': `import './b.ts'\n${mine()}`, 'b.ts': boom },
      { 'b.ts': '' },
    ],
    [
      'a file that its file imports and that has a syntax error',
      { 'mine.ts': `import './b'\n${mine()}`, 'b.ts': 'export * from "./c.ts"', 'c.ts': 'a b' },
      { 'c.ts': '' },
    ],
    [
      'a file that does not export what it imports',
      { 'mine.ts': `import { x } from './b.ts'\nx\n${mine()}`, 'b.ts': '' },
      { 'b.ts': 'export const x = 1' },
    ],
    [
      'a file whose file does not export what it exports further',
      { 'mine.ts': `import { x } from './b.ts'\nx\n${mine()}`, 'b.ts': "export { x } from './c.ts'", 'c.ts': '' },
      { 'c.ts': 'export const x = 1' },
    ],
  ]
  test.each(faulty)(
    '%s is taken by the next load once it is repaired',
    async (_name, files, repair = { 'mine.ts': mine() }) => {
      const { folder, problems } = await load({ 'config.yaml': 'plugins:\n  mine: { from: ./mine.ts }\n', ...files })
      expect(problems).toHaveLength(1)
      const again = () => load({}, { object: { plugins: { mine: { from: `${folder}/mine.ts` } } } })
      expect((await again()).problems).toEqual([expect.stringContaining('PLUGIN_')])
      for (const [file, text] of Object.entries(repair)) writeFileSync(`${folder}/${file}`, text)
      expect((await again()).problems).toEqual([])
    },
  )

  test.each(['mine', 'link', 'pack'])('so is one that is named as %s', async (name) => {
    const file = name === 'pack' ? 'pack/index.ts' : 'mine.ts'
    const { folder } = await load({ 'config.yaml': '', [file]: boom })
    symlinkSync(`${folder}/mine.ts`, `${folder}/link`)
    const again = () => load({}, { object: { plugins: { mine: { from: `${folder}/${name}` } } } })
    for (const text of [boom, 'export default 1', mine()]) {
      writeFileSync(`${folder}/${file}`, text)
      expect((await again()).problems).toHaveLength(text === mine() ? 0 : 1)
    }
  })

  test('what was loaded well is loaded once, also where another file of the plugin is repaired', async () => {
    const count = 'globalThis.loadedWell = (globalThis.loadedWell ?? 0) + 1'
    const files = { 'mine.ts': `import './a.ts'\nimport './b.ts'\n${mine()}`, 'a.ts': count, 'b.ts': boom }
    const { folder } = await load({ 'config.yaml': 'plugins:\n  mine: { from: ./mine.ts }\n', ...files })
    const again = () => load({}, { object: { plugins: { mine: { from: `${folder}/mine.ts` } } } })
    writeFileSync(`${folder}/b.ts`, '')
    const { definition } = sectionOf(await again(), 'mine')
    writeFileSync(`${folder}/mine.ts`, boom)
    expect(sectionOf(await again(), 'mine').definition).toBe(definition)
    expect(globalThis).toHaveProperty('loadedWell', 1)
  })

  test('a file without the name that is imported is read again, also where the import is what is repaired', async () => {
    const files = { 'mine.ts': `import { x } from './b.ts'\nx\n${mine()}`, 'b.ts': 'export const y = 1' }
    const { folder } = await load({ 'config.yaml': 'plugins:\n  mine: { from: ./mine.ts }\n', ...files })
    writeFileSync(`${folder}/b.ts`, 'export const y = 2')
    writeFileSync(`${folder}/mine.ts`, `import { y } from './b.ts'\nglobalThis.readAgain = y\n${mine()}`)
    const again = await load({}, { object: { plugins: { mine: { from: `${folder}/mine.ts` } } } })
    expect(again.problems).toEqual([])
    expect(globalThis).toHaveProperty('readAgain', 2)
  })

  test('a module whose top-level await never ends is given up, by the name of the plugin and the file', async () => {
    const files = { 'config.yaml': 'plugins:\n  mine: { from: ./mine.ts }\n', 'mine.ts': 'await new Promise(() => {})' }
    const clock = testClock()
    const reading = load(files, { clock })
    while (clock.pending === 0) await new Promise(setImmediate)
    await clock.advance(10_000)
    expect((await reading).problems).toEqual([
      expect.stringMatching(/^2:17 \/plugins\/mine\/from PLUGIN_TIMEOUT plugin mine .*mine\.ts within 10000 ms/),
    ])
    expect(clock.pending).toBe(0)
  })

  test('a package that is not installed', async () => {
    const { problems } = await load('plugins:\n  mine: { from: arkwatch-no-such-package }\n')
    expect(problems).toEqual([
      expect.stringMatching(
        /^2:17 \/plugins\/mine\/from PLUGIN_INVALID .* \| Check the path, or install it with `bun add` and restart the process, .*$/,
      ),
    ])
  })

  test('a name of the prototype chain', async () => {
    expect((await load('plugins:\n  constructor: {}\n')).problems).toEqual([
      expect.stringContaining('PLUGIN_UNKNOWN unknown plugin "constructor"'),
    ])
  })

  test('a name that is not lower_snake_case', async () => {
    const { problems } = await load({
      'config.yaml': 'plugins:\n  My-Plugin: { from: ./mine.ts }\n',
      'mine.ts': mine(),
    })
    expect(problems).toEqual(['2:3 /plugins/My-Plugin CONFIG_VALUE expected a plugin name in lower_snake_case'])
  })
})

describe('the graph of the plugins', () => {
  const source = (provides: string[], needs: string[]) => {
    const tokens = (ids: string[]) => `{ ${ids.map((id) => `${id}: service('${id}')`).join(', ')} }`
    const fields = `provides: ${tokens(provides)}, needs: ${tokens(needs)}`
    return mine(fields).replace('{ definePlugin', '{ service, definePlugin')
  }
  const files = { 'a.ts': source(['a'], []), 'b.ts': source(['b'], ['a']), 'loop.ts': source(['a'], ['b']) }

  test('is checked with the rest, and each error has the position of the section', async () => {
    const { problems } = await load({
      ...files,
      'config.yaml':
        'plugins:\n  b: { from: ./b.ts, thresold: 1 }\n  loop: { from: ./loop.ts }\n  a: { from: ./a.ts }\n',
    })
    expect(problems.map((each) => each.split(' ', 3).join(' '))).toEqual([
      '2:3 /plugins/b GRAPH_CYCLE',
      '2:22 /plugins/b/thresold CONFIG_UNKNOWN_KEY',
      '4:3 /plugins/a SERVICE_DUPLICATE',
    ])
    expect((await load({ ...files, 'config.yaml': 'plugins:\n  b: { from: ./b.ts }\n' })).problems).toEqual([
      expect.stringMatching(/^2:3 \/plugins\/b SERVICE_UNAVAILABLE .*plugin b needs the service/),
    ])
  })

  test('waits until every plugin is found', async () => {
    const { problems } = await load({ ...files, 'config.yaml': 'plugins:\n  b: { from: ./b.ts }\n  a: {}\n' })
    expect(problems.map((each) => each.split(' ')[2])).toEqual(['PLUGIN_UNKNOWN'])
  })

  test('a plugin that is switched off after it ran keeps its version', async () => {
    const { folder } = await load({ ...files, 'config.yaml': 'plugins:\n  a: { from: ./a.ts }\n' })
    const off = { a: { from: `${folder}/a.ts`, enabled: false } }
    expect(sectionOf(await load({}, { object: { plugins: off } }), 'a')).toMatchObject({
      isStandIn: true,
      definition: { version: '2.0.0' },
    })
  })
})

describe('a schema that answers later', () => {
  const asked = async (n: z.ZodType, given: Given = {}) => {
    const later = plugin('later', () => ({}), { config: z.strictObject({ n }) })
    return load({}, { object: { plugins: { later: { n: 1 } } }, plugins: [later], ...given })
  }
  const boom = async () => {
    throw new Error('boom')
  }

  const refused = '/plugins/later PLUGIN_INVALID plugin later: its configuration cannot be checked: boom'
  test.each<[string, z.ZodType, string]>([
    [
      'a refinement not met',
      z.number().refine(async () => false, 'too small'),
      '/plugins/later/n CONFIG_VALUE too small',
    ],
    ['a refinement that rejects', z.number().refine(boom), refused],
    ['a transform that rejects', z.number().transform(boom), refused],
    ['two that reject', z.number().refine(boom).pipe(z.number().refine(boom)), refused],
    ['a union that rejects', z.union([z.string().refine(boom), z.number().refine(boom)]), refused],
  ])('%s is refused, by the name of the plugin', async (_, schema, problem) => {
    const { problems } = await asked(schema)
    expect(problems).toEqual([expect.stringContaining(problem)])
  })

  test('a refinement that is met, and a transform, count', async () => {
    const loaded = await asked(
      z
        .number()
        .refine(async () => true)
        .transform(async (n) => n + 1),
    )
    expect(sectionOf(loaded, 'later').config).toEqual({ n: 2 })
  })

  test('a refinement that never answers is given up', async () => {
    const clock = testClock()
    const loading = asked(
      z.number().refine(() => new Promise<boolean>(() => {})),
      { clock },
    )
    while (clock.pending === 0) await new Promise(setImmediate)
    await clock.advance(10_000)
    const { problems } = await loading
    expect(problems).toEqual([
      expect.stringContaining(
        'plugin later: its configuration cannot be checked: its schema did not answer within 10000 ms',
      ),
    ])
  })
})

describe('whether a plugin runs', () => {
  test.each([
    ['named', 'watcher:', undefined],
    ['enabled: false', 'watcher: { enabled: false, level: 5 }', 'enabled: false'],
    ['enabled: true', 'watcher: { enabled: true }', undefined],
    ['without a target', 'watcher: { target: "" }', 'target is empty'],
  ])('%s', async (_name, text, disabled) => {
    expect(sectionOf(await load(`plugins:\n  ${text}\n`)).disabled).toBe(disabled)
  })
})

describe('plugins given in code', () => {
  const own = definePlugin({
    api: 1,
    name: 'own',
    version: '1.0.0',
    summary: 'In code.',
    config: z.strictObject({ size: z.number().default(3).describe('Size.') }),
    setup: () => ({}),
  })

  test('are on with defaults where the configuration does not name them', async () => {
    const loaded = await load({}, { object: { plugins: { watcher: {} } }, plugins: [own] })
    expect(loaded.config.plugins.map(({ name, config }) => [name, name === 'own' ? config : {}])).toEqual([
      ['watcher', {}],
      ['own', { size: 3 }],
    ])
    expect(loaded.config.server).toBeUndefined()
  })

  test('take their options and `enabled` from the configuration', async () => {
    const { problems } = await load({}, { object: { plugins: { own: { siez: 4 } } }, plugins: [own] })
    expect(problems).toEqual(['- /plugins/own/siez CONFIG_UNKNOWN_KEY unknown key "siez" | did you mean "size"?'])
    const off = await load({}, { object: { plugins: { own: { enabled: false } } }, plugins: [own] })
    expect(sectionOf(off, 'own').disabled).toBe('enabled: false')
  })

  test('go before the catalog', async () => {
    const loaded = await load('plugins:\n  watcher:\n', { plugins: [{ ...watcher, version: '9.9.9' }] })
    expect(sectionOf(loaded).definition.version).toBe('9.9.9')
  })

  test.each([
    ['no map', 5],
    ['a list', []],
  ])('a configuration that is %s is a problem', async (_name, object) => {
    expect((await load({}, { object, catalog })).problems).toEqual(['-  CONFIG_VALUE expected a map of settings'])
  })

  test('a configuration that holds itself is a problem', async () => {
    const object: Record<string, unknown> = {}
    object.plugins = object
    expect((await load({}, { object })).problems).toEqual([expect.stringContaining('CONFIG_VALUE expected plain data')])
  })
})
