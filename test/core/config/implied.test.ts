import { afterAll, describe, expect, test } from 'bun:test'
import type { AnyPlugin, Catalog } from '../../../core/contract/definition.ts'
import { definePlugin, z } from '../../../core/plugin.ts'
import { load as loadFiles, removeFolders, sectionOf } from './support.ts'

afterAll(removeFolders)

const Options = z.strictObject({ level: z.int().default(1).describe('Level.') })
const plugin = (name: string, config: z.ZodType, more: Partial<AnyPlugin> = {}) =>
  definePlugin({ api: 1, name, version: '1.0.0', summary: 'Made for tests.', config, ...more, setup: () => ({}) })

const front = plugin(
  'front',
  z.strictObject({ back: Options.optional().describe('Options.'), inner: Options.optional().describe('Options.') }),
  { implies: { back: { back: [], inner: ['inner'] } } },
)
const back = plugin('back', Options.extend({ inner: Options.prefault({}).describe('Inner.') }))
const side = plugin('side', z.strictObject({}), { implies: { back: {} } })
const catalog: Catalog = Object.fromEntries(
  [front, back, side].map((each) => [each.name, async () => ({ default: each })]),
)
const load = (text: string) => loadFiles(text, { catalog })
const defaults = { level: 1, inner: { level: 1 } }

describe('an implied plugin', () => {
  test('is on with its defaults, after those that are named, and its section says by whom', async () => {
    const loaded = await load('plugins:\n  front: {}\n  side:\n')
    expect(loaded.config.plugins.map(({ name }) => name)).toEqual(['front', 'side', 'back'])
    expect(sectionOf(loaded, 'back')).toMatchObject({ config: defaults, enabledBy: ['front', 'side'] })
    expect((await loaded.config.describe()).effective).toMatchObject({ plugins: { back: defaults } })
  })

  test('takes its options from the implying section, each with its place', async () => {
    const loaded = await load('plugins:\n  front:\n    back: { level: 2 }\n    inner: { level: 3 }\n')
    expect(sectionOf(loaded, 'back').config).toEqual({ level: 2, inner: { level: 3 } })
    expect((await loaded.config.describe()).sources.get('/plugins/back/level')).toMatchObject({ line: 3 })
    expect((await loaded.config.describe()).sources.get('/plugins/back/inner/level')).toMatchObject({ line: 4 })
  })

  test.each([
    ['its own section switches it off', 'plugins:\n  front: { back: { level: 2 } }\n  back: { enabled: false }\n'],
    ['the implying plugin is off', 'plugins:\n  front: { enabled: false }\n'],
  ])('is off where %s', async (_, text) => {
    const on = (await load(text)).config.plugins.filter(({ disabled }) => disabled === undefined)
    expect(on.map(({ name }) => name)).not.toContain('back')
  })

  test('that is named has its own options, and is enabled by nobody', async () => {
    const section = sectionOf(await load('plugins:\n  front: {}\n  back: { level: 4 }\n'), 'back')
    expect(section).toMatchObject({ config: { ...defaults, level: 4 }, enabledBy: undefined })
  })

  test('that is named without options keeps those of the implying section', async () => {
    const text = 'plugins:\n  front: { back: { level: 2 } }\n  back: { enabled: true, required: true }\n'
    expect(sectionOf(await load(text), 'back')).toMatchObject({ config: { ...defaults, level: 2 }, required: true })
  })

  test('with options in both sections is refused', async () => {
    expect((await load('plugins:\n  front: { inner: { level: 2 } }\n  back: { level: 4 }\n')).problems).toEqual([
      '3:3 /plugins/back CONFIG_VALUE options of back are set here and in the section front | Keep the options in one of the sections.',
    ])
  })

  test('with a wrong option is reported once, where the option is written', async () => {
    const { problems } = await load('plugins:\n  front: { back: { level: x } }\n')
    expect(problems.map((each) => each.split(' ').slice(0, 2))).toEqual([['2:27', '/plugins/front/back/level']])
  })

  test.each<[string, unknown, string]>([
    ['a list of names', ['back'], 'implies must be an object, got a list'],
    ['a list of objects', [{ plugin: 'back' }], 'implies must be an object, got a list'],
    ['a name as its keys', { back: 'level' }, 'implies.back must be an object of lists of keys, got "level"'],
    ['a list of keys', { back: ['level'] }, 'implies.back must be an object of lists of keys, got a list'],
    [
      'a key without a list',
      { back: { inner: 'inner' } },
      'implies.back must be an object of lists of keys, got a map',
    ],
    ['a plugin that is not there', { bakc: {} }, 'implies names the unknown plugin "bakc" | did you mean "back"?'],
  ])('is refused by name where the definition has %s', async (_, implies, what) => {
    const mine = plugin('mine', z.strictObject({}), { implies: implies as never })
    const known = { ...catalog, mine: async () => ({ default: mine }) }
    const { problems } = await loadFiles('plugins:\n  mine: {}\n', { catalog: known })
    expect(problems).toEqual([expect.stringContaining(`PLUGIN_INVALID plugin mine: its definition: ${what}`)])
  })

  test('is left out in a runtime without a catalog', async () => {
    const { problems } = await loadFiles({}, { catalog: {}, object: {}, plugins: [side] })
    expect(problems).toEqual([])
  })
})
