import { afterAll, expect, test } from 'bun:test'
import { load, removeFolders, sectionOf } from './support.ts'

afterAll(removeFolders)

test('included maps merge and lists append, in the order of the includes', async () => {
  const loaded = await load({
    'config.yaml': 'include: [parts/a.yaml, parts/b.yaml]\nplugins:\n  watcher: { tags: [main], on: false }\n',
    'parts/a.yaml': 'plugins:\n  watcher: { tags: [a], level: warn }\n',
    'parts/b.yaml': 'include: ../c.yaml\nplugins:\n  watcher: { tags: [b] }\n',
    'c.yaml': 'plugins:\n  watcher: { tags: [c] }\n  other:\n',
  })
  expect(loaded.problems).toEqual([])
  expect(sectionOf(loaded).config).toMatchObject({ tags: ['main', 'a', 'b', 'c'], level: 'warn', on: false })
  expect(loaded.config.plugins.map((each) => each.name)).toEqual(['watcher', 'other'])
  expect(loaded.config.files.map((file) => file.slice(loaded.folder.length + 1))).toEqual([
    'config.yaml',
    'parts/a.yaml',
    'parts/b.yaml',
    'c.yaml',
  ])
})

test('an empty section yields to the one of another file', async () => {
  const loaded = await load({
    'config.yaml': 'include: a.yaml\nplugins:\n  watcher:\n',
    'a.yaml': 'plugins:\n  watcher: { level: warn }\n  other:\n',
  })
  expect(sectionOf(loaded).config).toMatchObject({ level: 'warn' })
})

test('a problem in an included file has the position there', async () => {
  const { problems } = await load({ 'config.yaml': 'include: a.yaml\n', 'a.yaml': '\nserver: { prot: 1 }\n' })
  expect(problems).toEqual(['a.yaml:2:11 /server/prot CONFIG_UNKNOWN_KEY unknown key "prot" | did you mean "port"?'])
})

const once = ' | Include each file once, from one place.'
const conflict = ' | Set it in one file: included maps merge and lists append, a single value may be set once.'

test.each([
  [
    'a value set in two files',
    { 'config.yaml': 'include: a.yaml\nserver: { port: 1 }\n', 'a.yaml': 'server: { port: 1 }\n' },
    [`a.yaml:1:17 /server/port CONFIG_INCLUDE_CONFLICT set here and also at config.yaml:2:17${conflict}`],
  ],
  [
    'a map in one file and a list in the other',
    { 'config.yaml': 'include: a.yaml\nplugins: {}\n', 'a.yaml': 'plugins: []\n' },
    [`a.yaml:1:10 /plugins CONFIG_INCLUDE_CONFLICT set here and also at config.yaml:2:10${conflict}`],
  ],
  [
    'a circle',
    { 'config.yaml': 'include: a.yaml\n', 'a.yaml': 'include: [b.yaml]\n', 'b.yaml': 'include: config.yaml\n' },
    [
      `b.yaml:1:10 /include CONFIG_INCLUDE cannot include config.yaml: it includes itself: config.yaml -> a.yaml -> b.yaml -> config.yaml${once}`,
    ],
  ],
  [
    'a file that includes itself',
    { 'config.yaml': 'include: ./config.yaml\n' },
    [`1:10 /include CONFIG_INCLUDE cannot include config.yaml: it includes itself: config.yaml -> config.yaml${once}`],
  ],
  [
    'no path',
    { 'config.yaml': 'include: [5, { a: b }]\n' },
    [
      '1:11 /include/0 CONFIG_VALUE expected the path of a file, got 5 (number)',
      '1:14 /include/1 CONFIG_VALUE expected the path of a file, got a map',
    ],
  ],
])('%s is refused', async (_name, files, expected) => {
  expect((await load(files as Record<string, string>)).problems).toEqual(expected)
})

test('a file that is not there is reported where it is named', async () => {
  const { problems } = await load('include: gone.yaml\n')
  expect(problems).toEqual([
    expect.stringContaining('1:10 /include CONFIG_FILE_UNREADABLE cannot read gone.yaml: ENOENT'),
  ])
})

test('what is missing is not reported while a file that may hold it cannot be read', async () => {
  const { problems } = await load('include: gone.yaml\nplugins:\n  watcher: { checks: { a: {} } }\n')
  expect(problems.map((each) => each.split(' ')[2])).toEqual(['CONFIG_FILE_UNREADABLE'])
})

test('includes are at most 10 deep, and 100 files in all', async () => {
  const chain = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${i}.yaml`, `include: ${i + 1}.yaml\n`]))
  const deep = await load({ 'config.yaml': 'include: 0.yaml\n', ...chain })
  expect(deep.problems).toEqual([expect.stringContaining('cannot include 10.yaml: more than 10 files deep')])
  const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}.yaml`, '']))
  const many = await load({ 'config.yaml': `include: [${Object.keys(wide).join(', ')}]\n`, ...wide })
  expect(many.problems).toEqual([expect.stringContaining('cannot include 99.yaml: more than 100 files')])
})
