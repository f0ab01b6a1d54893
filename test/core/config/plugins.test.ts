import { afterAll, describe, expect, test } from 'bun:test'
import { contractApi, definePlugin } from '../../../core/contract/definition.ts'
import { z } from '../../../core/plugin.ts'
import { catalog, load, removeFolders, sectionOf, watcher } from './support.ts'

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
  const whole = `api: 1, name: 'own', version: '1', summary: '', config: { safeParse() {} }, setup() {}`
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
      whole.replace('config: { safeParse() {} },', ''),
      'PLUGIN_INVALID plugin mine: its definition has no zod schema `config`',
    ],
    ['no setup', whole.replace('setup() {}', ''), 'PLUGIN_INVALID plugin mine: its definition has no function `setup`'],
    [
      'a schema that throws',
      whole.replace('safeParse() {}', "safeParse() { throw new Error('boom') }"),
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
    ['a module that throws', { 'mine.ts': 'throw new Error("boom")' }, 'cannot be imported: boom'],
    ['a module that is not there', {}, 'cannot be imported: '],
  ])('%s', async (_name, files, message) => {
    const { problems } = await load({ 'config.yaml': 'plugins:\n  mine: { from: ./mine.ts }\n', ...files })
    expect(problems).toEqual([expect.stringContaining(`PLUGIN_INVALID plugin mine: ${message}`)])
  })

  test('a package that is not installed', async () => {
    const { problems } = await load('plugins:\n  mine: { from: arkwatch-no-such-package }\n')
    expect(problems).toEqual([
      expect.stringMatching(
        /^2:17 \/plugins\/mine\/from PLUGIN_INVALID .* \| Check the path, or install it with `bun add`\.$/,
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
