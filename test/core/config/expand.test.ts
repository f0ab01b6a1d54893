import { afterAll, describe, expect, test } from 'bun:test'
import { expand, typed } from '../../../core/config/tree/expand.ts'
import { load, removeFolders, sectionOf } from './support.ts'

afterAll(removeFolders)

const env = { NAME: 'value', EMPTY: '', PORT: '9090', TRICK: '${env:NAME}', ZIP: '01234' }

describe('a text is expanded once', () => {
  test.each([
    ['plain', 'plain'],
    ['a ${env:NAME} b ${env:PORT}', 'a value b 9090'],
    ['${env:NONE:-fallback}', 'fallback'],
    ['${env:EMPTY:-fallback}', 'fallback'],
    ['${env:NONE:-}', ''],
    ['${env:EMPTY}', ''],
    ['${env:NONE:-a:b-c d}', 'a:b-c d'],
    ['${env:TRICK}', '${env:NAME}'],
    ['$${env:NAME}', '${env:NAME}'],
    ['$$$${env:NAME}', '$${env:NAME}'],
    ['^a$ costs $5', '^a$ costs $5'],
    ['a$$b', 'a$b'],
  ])('%s', (text, expected) => {
    expect(expand(text, '/x/config.yaml', env)).toMatchObject({ text: expected, failures: [] })
  })

  test.each([
    ['${env:NONE}', 'CONFIG_ENV_UNSET'],
    ['${env:}', 'CONFIG_EXPANSION'],
    ['${env:1A}', 'CONFIG_EXPANSION'],
    ['${env:NAME-default}', 'CONFIG_EXPANSION'],
    ['${NAME}', 'CONFIG_EXPANSION'],
    ['${}', 'CONFIG_EXPANSION'],
    ['${file:}', 'CONFIG_EXPANSION'],
    ['${env:NAME', 'CONFIG_EXPANSION'],
    ['${file:/nowhere/at/all}', 'CONFIG_FILE_UNREADABLE'],
    ['${file:/}', 'CONFIG_FILE_UNREADABLE'],
    ['${file:/dev/zero}', 'CONFIG_FILE_UNREADABLE'],
  ])('%s is refused', (text, code) => {
    expect(expand(text, '/x/config.yaml', env).failures.map((each) => each.code)).toEqual([code as never])
  })
})

test.each([
  ['', null],
  ['~', null],
  ['null', null],
  ['true', true],
  ['8080', 8080],
  ['-1.5e3', -1500],
  ['0x10', 16],
  ['yes', 'yes'],
  ['1.2.3', '1.2.3'],
  ['15s', '15s'],
  ['a: b', 'a: b'],
  ['[1]', '[1]'],
  ['---', '---'],
  ['*alias', '*alias'],
])('%j as a plain scalar is %j', (text, value) => {
  expect(typed(text)).toBe(value)
})

test('a plain scalar that is one expansion has the type of what it gives', async () => {
  const { config } = await load('server:\n  port: ${env:PORT:-8080}\nmonitoring:\n  autoStart: ${env:NONE:-false}\n', {
    env,
  })
  expect([config.server?.port, config.autoStart]).toEqual([9090, false])
})

test('it stays text where text is wanted, digit by digit', async () => {
  const yaml = 'plugins:\n  watcher:\n    target: ${env:ZIP}\n    token: ${env:EMPTY}\n    tags:\n      - ${env:PORT}\n'
  expect(sectionOf(await load(yaml, { env })).config).toMatchObject({ target: '01234', token: '', tags: ['9090'] })
})

test('a bare 0 is a duration, and no text', async () => {
  const { config } = await load('server:\n  drainDelay: 0\n  drainTimeout: 0\n')
  expect([config.server?.drainDelayMs, config.server?.drainTimeoutMs]).toEqual([0, 0])
  expect((await load('plugins: { watcher: { target: 0 } }\n')).problems).toEqual([
    '1:31 /plugins/watcher/target CONFIG_VALUE expected text, got 0 (number) | put it in quotes',
  ])
})

test('a quoted one is always text', async () => {
  const { problems } = await load('server:\n  port: "${env:PORT}"\n', { env })
  expect(problems).toEqual(['2:9 /server/port CONFIG_VALUE expected a number, got "9090" | write it without quotes'])
})

test('a file gives its text without the newline at its end, and is watched', async () => {
  const loaded = await load({
    'config.yaml': 'include: parts/a.yaml\n',
    'parts/a.yaml': 'plugins:\n  watcher: { token: "${file:secret}", target: "${file:two}" }\n',
    'parts/secret': 'hunter2\n',
    'parts/two': 'a\nb\r\n',
  })
  expect(sectionOf(loaded).config).toMatchObject({ token: 'hunter2', target: 'a\nb' })
  expect(loaded.config.files).toContain(`${loaded.folder}/parts/secret`)
})

test('a failed expansion is one problem, whatever the field would have said too', async () => {
  const { problems } = await load('server:\n  port: ${env:NOPE}\n  host: "${file:none}"\n')
  expect(problems.map((each) => each.split(' ')[2])).toEqual(['CONFIG_ENV_UNSET', 'CONFIG_FILE_UNREADABLE'])
})

test('a configuration given as an object is taken literally', async () => {
  const object = { plugins: { watcher: { token: 'a$$b', target: '${env:NOPE}' } } }
  expect(sectionOf(await load({}, { object })).config).toMatchObject({ token: 'a$$b', target: '${env:NOPE}' })
})
