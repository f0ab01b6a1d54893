import { afterAll, describe, expect, test } from 'bun:test'
import { ConfigError } from '../../../core/config/errors.ts'
import { load, removeFolders, sectionOf } from './support.ts'

afterAll(removeFolders)

const section = (text: string) => `plugins:\n  watcher:\n${text.replace(/^/gm, '    ')}\n`

describe('what is wrong is reported with position, pointer, the value seen and what was probably meant', () => {
  const table: Record<string, readonly [yaml: string, ...problems: string[]]> = {
    'an unknown key at the top': [
      'sever: {}\n',
      '1:1 /sever CONFIG_UNKNOWN_KEY unknown key "sever" | did you mean "server"?',
    ],
    'an unknown key like nothing': [
      section('colour: red'),
      '3:5 /plugins/watcher/colour CONFIG_UNKNOWN_KEY unknown key "colour" | known keys: level, every, buffer, token, tags, ratio, on, target, sink, checks, enabled, required, from',
    ],
    'an unknown key in a union’s option': [
      section('checks:\n  a: { kind: http, hedaers: {} }'),
      '4:24 /plugins/watcher/checks/a/hedaers CONFIG_UNKNOWN_KEY unknown key "hedaers" | did you mean "headers"?',
    ],
    'snake case for camel case': [
      'server:\n  drain_timeout: 5s\n',
      '2:3 /server/drain_timeout CONFIG_UNKNOWN_KEY unknown key "drain_timeout" | did you mean "drainTimeout"?',
    ],
    'a merge key': [
      'server: &s { port: 1 }\nplugins:\n  watcher: { <<: *s }\n',
      '3:14 /plugins/watcher/<< CONFIG_UNKNOWN_KEY unknown key "<<" | There are no merge keys: write the settings here.',
    ],
    'yes for true': [
      section('on: yes'),
      '3:9 /plugins/watcher/on CONFIG_VALUE expected a boolean, got "yes" | write true or false',
    ],
    'a value of a preset': [
      'environment: production\nplugins: { odd: {} }\n',
      '- /plugins/odd/level CONFIG_VALUE preset for production: expected "debug", "info", "warn", got "loud"',
    ],
    'a second document': [
      'plugins: {}\n---\nplugins: {}\n',
      '2:1  CONFIG_SYNTAX not valid YAML: a second document; a configuration has one, without a line --- | Fix the line; an editor with YAML support shows it too.',
    ],
    'text that is not in UTF-8': [
      'plugins: {}\n\0',
      '-  CONFIG_FILE_UNREADABLE cannot read config.yaml: it is not text in UTF-8 | Check the path and its permissions.',
    ],
    'a misspelt reserved key': [
      section('enabeld: false'),
      '3:5 /plugins/watcher/enabeld CONFIG_UNKNOWN_KEY unknown key "enabeld" | did you mean "enabled"?',
    ],
    'a number where text is wanted': [
      section('target: 5'),
      '3:13 /plugins/watcher/target CONFIG_VALUE expected text, got 5 (number) | put it in quotes',
    ],
    'text where a number is wanted': [
      'server: { port: "8080" }\n',
      '1:17 /server/port CONFIG_VALUE expected a number, got "8080" | write it without quotes',
    ],
    'a duration without its unit': [
      section('every: 15'),
      '3:12 /plugins/watcher/every CONFIG_VALUE expected text, got 15 (number) | write it with a unit, such as 15s',
    ],
    'a duration out of bounds': [
      section('every: 10ms'),
      '3:12 /plugins/watcher/every CONFIG_VALUE expected at least 1s, got "10ms"',
    ],
    'no size': [
      section('buffer: lots'),
      '3:13 /plugins/watcher/buffer CONFIG_VALUE expected a size such as "64MiB", got "lots"',
    ],
    'a number out of bounds': [
      section('ratio: 2'),
      '3:12 /plugins/watcher/ratio CONFIG_VALUE expected number to be <=1, got 2 (number)',
    ],
    'not one of a set': [
      section('level: wran'),
      '3:12 /plugins/watcher/level CONFIG_VALUE expected "debug", "info", "warn", got "wran" | did you mean "warn"?',
    ],
    'an unknown kind': [
      section('checks:\n  a: { kind: htp }'),
      '4:18 /plugins/watcher/checks/a/kind CONFIG_VALUE expected "sql", "http", "https", got "htp" | did you mean "http"?',
    ],
    'a missing kind': [
      section('checks:\n  a: { url: x }'),
      '4:7 /plugins/watcher/checks/a/kind CONFIG_VALUE expected "sql", "http", "https", nothing is set',
    ],
    'neither option of a union': [
      section('sink: 5'),
      '3:11 /plugins/watcher/sink CONFIG_VALUE expected a boolean or a map, got a number',
    ],
    'an option of a union that is wrong inside': [
      section('sink: { file: 5 }'),
      '3:19 /plugins/watcher/sink/file CONFIG_VALUE expected text, got 5 (number) | put it in quotes',
    ],
    'a wrong key of a record': [
      section('checks: { B1: { kind: http } }'),
      '3:15 /plugins/watcher/checks/B1 CONFIG_VALUE expected lower case letters',
    ],
    'a list for a map': ['plugins: [watcher]\n', '1:10 /plugins CONFIG_VALUE expected a map, got a list'],
    'a text for a section': [
      'plugins:\n  watcher: yes\n',
      '2:12 /plugins/watcher CONFIG_VALUE expected a map, got text',
    ],
    'an item of a list': [
      section('tags: [a, 7]'),
      '3:15 /plugins/watcher/tags/1 CONFIG_VALUE expected text, got 7 (number) | put it in quotes',
    ],
    'a key set twice': [
      'server:\n  port: 1\n  port: 2\n',
      '3:3 /server/port CONFIG_DUPLICATE_KEY key "port" is set already at 2:3 | Keep one of the two.',
    ],
    'a key that is no text': [
      'data: x\n? [a]\n: b\n',
      '2:3  CONFIG_SYNTAX not valid YAML: a key must be plain text | Fix the line; an editor with YAML support shows it too.',
    ],
    'no map at all': ['- a\n', '1:1  CONFIG_VALUE expected a map of settings'],
    'an unknown plugin': [
      'plugins:\n  wacher: {}\n',
      '2:3 /plugins/wacher PLUGIN_UNKNOWN unknown plugin "wacher" | did you mean "watcher"?',
    ],
    'a variable that is not set': [
      'server:\n  host: ${env:NOPE}\n',
      '2:9 /server/host CONFIG_ENV_UNSET environment variable NOPE is not set | Set it, or give a default: ${env:NOPE:-default}.',
    ],
    'a mistake in an expansion': [
      'data: ${ENV:NOPE}\n',
      '1:7 /data CONFIG_EXPANSION cannot expand ${ENV:NOPE} | Write ${env:NAME}, ${env:NAME:-default} or ${file:/path}; a literal $ before { is written $$.',
    ],
  }
  for (const [name, [yaml, ...expected]] of Object.entries(table)) {
    test(name, async () => {
      expect((await load(yaml)).problems).toEqual(expected)
    })
  }
})

test('every kind of problem of one file comes at once, in the order of the file', async () => {
  const yaml = `enviroment: production
server:
  port: "80"
  port: 81
  host: \${env:NOPE}
plugins:
  watcher: { levl: info, every: soon }
  wacher:
data: [
`
  const { problems } = await load(yaml)
  expect(problems.map((each) => each.split(' ').slice(0, 3).join(' '))).toEqual([
    '1:1 /enviroment CONFIG_UNKNOWN_KEY',
    '3:9 /server/port CONFIG_VALUE',
    '4:3 /server/port CONFIG_DUPLICATE_KEY',
    '5:9 /server/host CONFIG_ENV_UNSET',
    '7:14 /plugins/watcher/levl CONFIG_UNKNOWN_KEY',
    '7:33 /plugins/watcher/every CONFIG_VALUE',
    '9:7 /data CONFIG_VALUE',
    '10:1  CONFIG_SYNTAX',
  ])
})

test('a syntax error hides what would only follow from it', async () => {
  const { problems } = await load('server:\n  port: 1\n   host: x\nplugins:\n  nonsense: {}\n')
  expect(problems.map((each) => each.split(' ')[2])).toEqual(problems.map(() => 'CONFIG_SYNTAX'))
  expect(problems.length).toBeGreaterThan(0)
})

test.each<[string, Record<string, string>, string[]]>([
  [
    'config.yaml',
    { 'config.yaml': 'plugins: [\n', 'data/overlay.yaml': 'plugins: { mine: { v: 2 } }\n' },
    ['config.yaml'],
  ],
  [
    'overlay.yaml',
    { 'config.yaml': 'plugins: { mine: { v: 2 } }\n', 'data/overlay.yaml': 'plugins:\n  watcher:\n    target: "ab\n' },
    ['overlay.yaml'],
  ],
  ['an include', { 'config.yaml': 'include: [a.yaml]\nplugins: { mine: {} }\n', 'a.yaml': 'plugins: [\n' }, ['a.yaml']],
  ['a section', { 'config.yaml': 'plugins:\n  mine:\n    v: 2\n    w: "from\n' }, ['config.yaml']],
  ['no include', { 'config.yaml': 'include: [gone.yaml]\nplugins: { mine: {} }\n' }, ['config.yaml']],
])('where %s cannot be read, no other file is blamed for what only follows', async (_, files, wrong) => {
  const { raw } = await load(files)
  expect(raw.map(({ code, file }) => `${file?.split('/').at(-1)} ${code}`)).toEqual(
    wrong.map((file) => expect.stringMatching(new RegExp(`^${file} CONFIG_(SYNTAX|FILE_UNREADABLE)$`))),
  )
})

test('a problem is printed as file:line:column: message (pointer) help', async () => {
  const { printed, folder } = await load('server:\n  prot: 1\n')
  expect(printed).toBe('config.yaml:2:3: unknown key "prot" (/server/prot) did you mean "port"?')
  const error = new ConfigError([{ code: 'X', message: 'wrong', pointer: '', file: `${folder}/a.yaml` }])
  expect(error.formatProblems('/elsewhere')).toBe(`${folder}/a.yaml: wrong`)
  expect([error.code, error.message]).toEqual([
    'CONFIG_INVALID',
    `the configuration has 1 error(s): ${folder}/a.yaml: wrong`,
  ])
})

test('the message of the error tells every problem, up to twenty', () => {
  const problems = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ code: 'X', message: `wrong ${at}`, pointer: `/${at}` }))
  const two = new ConfigError(problems(2)).message
  expect(two).toBe('the configuration has 2 error(s): wrong 0 (/0)\n  wrong 1 (/1)')
  expect(new ConfigError(problems(25)).message).toEndWith('wrong 19 (/19)\n  and 5 more')
})

test('a missing file is a problem, not a crash', async () => {
  const { problems } = await load({})
  expect(problems).toEqual([expect.stringContaining('CONFIG_FILE_UNREADABLE cannot read config.yaml: ENOENT')])
})

test('an empty file is a configuration of defaults without plugins and listener', async () => {
  const { config, folder } = await load('')
  expect(config).toMatchObject({
    environment: 'development',
    server: undefined,
    dataDir: `${folder}/data`,
    workers: { maxThreads: 2, maxQueue: 1_000 },
    autoStart: true,
    files: [`${folder}/config.yaml`],
    plugins: [],
  })
})

test('empty sections are sections of defaults', async () => {
  const loaded = await load('server:\nworkers:\nplugins:\n  watcher:\n  other:\n')
  expect(loaded.config.server).toEqual({
    host: '127.0.0.1',
    port: 8080,
    maxBodyBytes: 2 ** 20,
    maxUrlLength: 8192,
    drainDelayMs: 0,
    drainTimeoutMs: 10_000,
  })
  expect(sectionOf(loaded)).toMatchObject({
    name: 'watcher',
    required: false,
    config: { level: 'info', every: 15_000 },
  })
  expect((await load('plugins:\n')).config.plugins).toEqual([])
})

test('plugins keep the order of the file, with presets and overlay too', async () => {
  const yaml = 'environment: production\nplugins:\n  other:\n  watcher:\n'
  const { config } = await load({ 'config.yaml': yaml, 'data/overlay.yaml': 'plugins:\n  watcher: { on: false }\n' })
  expect(config.plugins.map((each) => each.name)).toEqual(['other', 'watcher'])
})

describe('a hostile file is refused in bounds', () => {
  const bomb = `a: &a [${'x,'.repeat(50)}]\n${[...'bcdefg'].map((name, i) => `${name}: &${name} [${`*${'abcdef'[i]},`.repeat(20)}]`).join('\n')}\n`
  test.each([
    ['aliases that multiply', bomb, 'more than 100000 values'],
    ['nesting without end', `data: ${'['.repeat(5_000)}${']'.repeat(5_000)}`, 'CONFIG_'],
    ['more than 1 MiB', `# ${'x'.repeat(1024 * 1024)}`, 'larger than 1048576 bytes'],
    ['a circle of aliases', 'data: &a [*a]\n', 'CONFIG_SYNTAX'],
    ['two documents', 'data: a\n---\ndata: b\n', 'a second document'],
    ['an unknown tag', 'data: !!js/function "x"\n', 'an unknown tag'],
    ['a prototype', '__proto__: { data: x }\n', 'a key must be plain text'],
  ])('%s', async (_name, yaml, message) => {
    expect((await load(yaml)).problems.join('\n')).toContain(message)
  })
})
