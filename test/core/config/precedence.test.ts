import { afterAll, describe, expect, test } from 'bun:test'
import type { EnvironmentOverlay } from '../../../core/config/environment.ts'
import type { Source } from '../../../core/config/types.ts'
import { type Given, load, removeFolders, sectionOf } from './support.ts'

afterAll(removeFolders)

const level: EnvironmentOverlay = {
  variable: 'LEVEL',
  effect: 'sets the level',
  where: ['plugins', 'watcher'],
  set: (text) => [[['plugins', 'watcher', 'level'], text]],
}
const overlays = [level]

describe('defaults < presets < config.yaml < data/overlay.yaml < environment', () => {
  const base = (environment: string, text = '') => `environment: ${environment}\nplugins:\n  watcher:\n${text}`
  const inFile = '    level: debug\n'
  const overlay = 'plugins:\n  watcher: { level: info }\n'
  const table: [name: string, files: Record<string, string>, env: Given['env'], value: string, source: object][] = [
    ['default', { 'config.yaml': base('development') }, {}, 'info', { kind: 'default' }],
    ['preset', { 'config.yaml': base('production') }, {}, 'warn', { kind: 'preset', environment: 'production' }],
    ['file', { 'config.yaml': base('production', inFile) }, {}, 'debug', { kind: 'file', line: 4, column: 12 }],
    [
      'overlay',
      { 'config.yaml': base('production', inFile), 'data/overlay.yaml': overlay },
      {},
      'info',
      { kind: 'overlay', line: 2, column: 21 },
    ],
    [
      'environment',
      { 'config.yaml': base('production', inFile), 'data/overlay.yaml': overlay },
      { LEVEL: 'warn' },
      'warn',
      { kind: 'environment', variable: 'LEVEL' },
    ],
  ]
  test.each(table)('%s', async (_name, files, env, value, source) => {
    const loaded = await load(files, { env, overlays })
    expect(loaded.problems).toEqual([])
    expect(sectionOf(loaded).config).toMatchObject({ level: value })
    expect((await loaded.config.describe()).sources.get('/plugins/watcher/level')).toMatchObject(source)
    expect((await loaded.config.describe()).effective).toMatchObject({ plugins: { watcher: { level: value } } })
  })
})

test('a list of the overlay replaces the one of the file, a map is merged', async () => {
  const loaded = await load({
    'config.yaml': 'data: kept\nplugins:\n  watcher: { tags: [a, b], target: x }\n',
    'kept/overlay.yaml': 'plugins:\n  watcher: { tags: [c] }\n',
  })
  expect(sectionOf(loaded).config).toMatchObject({ tags: ['c'], target: 'x' })
  expect(loaded.config.files).toContain(`${loaded.folder}/kept/overlay.yaml`)
})

test('the overlay is taken literally and its problems have positions', async () => {
  const config = 'plugins:\n  watcher:\n'
  const literal = await load({
    'config.yaml': config,
    'data/overlay.yaml': 'plugins:\n  watcher: { target: "${file:/etc/passwd}" }\n',
  })
  expect(sectionOf(literal).config).toMatchObject({ target: '${file:/etc/passwd}' })
  const wrong = await load({ 'config.yaml': config, 'data/overlay.yaml': 'plugins:\n  watcher: { levl: a }\n' })
  expect(wrong.problems).toEqual([
    'data/overlay.yaml:2:14 /plugins/watcher/levl CONFIG_UNKNOWN_KEY unknown key "levl" | did you mean "level"?',
  ])
})

describe('a variable', () => {
  const yaml = 'plugins:\n  watcher:\n'
  test('that is empty counts as unset', async () => {
    expect(sectionOf(await load(yaml, { env: { LEVEL: ' ' }, overlays })).config).toMatchObject({ level: 'info' })
  })
  test('is ignored where its plugin is not named, or off', async () => {
    expect((await load('', { env: { LEVEL: 'nonsense' }, overlays })).config.plugins).toEqual([])
    const off = await load('plugins:\n  watcher: { enabled: false }\n', { env: { LEVEL: 'nonsense' }, overlays })
    expect(off.problems).toEqual([])
  })
  test('is named when the schema refuses its value', async () => {
    expect((await load(yaml, { env: { LEVEL: 'wran' }, overlays })).problems).toEqual([
      '- /plugins/watcher/level CONFIG_VALUE LEVEL: expected "debug", "info", "warn", got "wran" | did you mean "warn"?',
    ])
  })
  test('that is refused by its own rule shows its value, unless that is secret', async () => {
    const refusing = (variable: string, secret: boolean) => ({
      variable,
      effect: '',
      secret,
      set: () => ({ expected: 'b' }),
    })
    const { problems } = await load('', {
      env: { OPEN: 'canary', HIDDEN: 'canary' },
      overlays: [refusing('OPEN', false), refusing('HIDDEN', true)],
    })
    const help = 'Fix or unset the variable; docs/configuration.md lists what each one takes.'
    expect(problems).toEqual([
      `-  CONFIG_ENVIRONMENT environment variable OPEN: expected b, got "canary" | ${help}`,
      `-  CONFIG_ENVIRONMENT environment variable HIDDEN: expected b, got [redacted] | ${help}`,
    ])
  })
})

test('drainDelay is 0 in development and 5 s elsewhere, unless set', async () => {
  const delay = async (text: string) => (await load(`server:\n${text}`)).config.server?.drainDelayMs
  expect(await delay('')).toBe(0)
  expect(await delay('environment: staging\n')).toBe(5_000)
  expect(await delay('  drainDelay: 1s\nenvironment: production\n')).toBe(1_000)
  expect((await load('environment: production\n')).config.server).toBeUndefined()
})

test('every effective leaf has a source, defaults are shown as they would be written', async () => {
  const { config, folder } = await load(
    'server: { port: 0 }\nplugins:\n  watcher:\n    tags: [a]\n    checks: { a: { kind: sql } }\n',
  )
  expect((await config.describe()).effective).toEqual({
    server: { port: 0, host: '127.0.0.1', limits: { body: '1MiB', url: 8192 }, drainDelay: '0s', drainTimeout: '10s' },
    environment: 'development',
    data: './data',
    workers: { maxThreads: 2, maxQueue: 1000 },
    monitoring: { autoStart: true },
    plugins: {
      watcher: {
        enabled: true,
        required: false,
        tags: ['a'],
        checks: { a: { kind: 'sql', url: '', every: '15s' } },
        level: 'info',
        every: '15s',
        buffer: '8MiB',
        ratio: 0.5,
        on: true,
        target: 'here',
        sink: false,
      },
    },
  })
  const leaves = (value: unknown, at = ''): string[] =>
    typeof value === 'object' && value !== null && Object.keys(value).length > 0
      ? Object.entries(value).flatMap(([key, item]) => leaves(item, `${at}/${key}`))
      : [at]
  expect([...(await config.describe()).sources.keys()].toSorted()).toEqual(
    leaves((await config.describe()).effective).toSorted(),
  )
  const file: Source = { kind: 'file', file: `${folder}/config.yaml`, line: 1, column: 17 }
  expect((await config.describe()).sources.get('/server/port')).toEqual(file)
  expect((await config.describe()).sources.get('/plugins/watcher/checks/a/every')).toEqual({ kind: 'default' })
})

test('the effective values of a file are a valid configuration that means the same', async () => {
  const yaml =
    'environment: production\nserver:\nplugins:\n  watcher:\n    checks: { a: { kind: http, url: "http://x" } }\n'
  const first = await load(yaml)
  const again = await load({}, { object: (await first.config.describe()).effective })
  expect(again.problems).toEqual([])
  expect(sectionOf(again).config).toEqual(sectionOf(first).config)
  expect(again.config.server).toEqual(first.config.server)
})
