import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { watchedFiles } from '../../cli/dev/watched-files.ts'
import { type CommandFolder, commandFolder, commandTimeoutMs, pluginSource } from './arkwatch-command.ts'

setDefaultTimeout(commandTimeoutMs)

const folders: CommandFolder[] = []
const newFolder = () => {
  const made = commandFolder()
  folders.push(made)
  return made
}
afterAll(() => Promise.all(folders.map((folder) => folder[Symbol.asyncDispose]())))

const says = (text: string) => pluginSource('mine', `{ start() { log.info('${text} ' + config.text) } }`)
const config = (text: string) => `plugins: { mine: { from: ./plugins/mine.ts, text: ${text} } }\n`

test('dev restarts when a plugin or the configuration changes, and waits where it is wrong', async () => {
  const { start, write } = newFolder()
  await write('plugins/mine.ts', says('code one'))
  await write('config.yaml', config('alpha'))
  const { seen, child, ended } = start('dev')
  await seen(/code one alpha/)
  await write('plugins/mine.ts', says('code two'))
  await seen(/code two alpha/)
  await write('config.yaml', config('beta'))
  await seen(/code two beta/)
  await write('config.yaml', 'plugins: { mine: { from: ./plugins/mine.ts, txet: x } }')
  await seen(/did you mean "text"[\s\S]*dev: the process ended with 78; waiting for a change/)
  await write('config.yaml', config('gamma'))
  await seen(/code two gamma/)
  child.kill('SIGTERM')
  const { exitCode, stderr } = await ended
  expect(exitCode).toBe(0)
  expect(stderr.match(/"message":"SIGTERM: stopping"/g)!.length).toBeGreaterThanOrEqual(3)
})

test('many changes at once make one restart', async () => {
  const { start, write } = newFolder()
  await write('plugins/mine.ts', says('began'))
  await write('config.yaml', config('0'.padStart(3, 'x')))
  const { seen, child, ended } = start('dev', '--json')
  await seen(/began xx0/)
  for (let count = 1; count <= 20; count += 1) await write('config.yaml', config(`x${count}`))
  await seen(/began x20/)
  child.kill('SIGTERM')
  const { stdout } = await ended
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string })
  const restarts = events.filter(({ event }) => event === 'restart').length
  expect(restarts).toBeGreaterThanOrEqual(1)
  expect(restarts).toBeLessThanOrEqual(2)
})

test('it watches the configuration with its includes, and the code of plugins named by path', async () => {
  const { folder, write } = newFolder()
  await write(
    'config.yaml',
    'include: [ more.yaml ]\ndata: ./kept\nplugins: { one: { from: ./one.ts }, npm: { from: a-package } }',
  )
  await write('more.yaml', 'plugins: { two: { from: ./two } }')
  for (const name of [
    'one.ts',
    'near.ts',
    'two/index.ts',
    'two/deep/part.ts',
    'node_modules/x/index.ts',
    '.git/x.ts',
    'kept/x.json',
    'notes.md',
  ]) {
    await write(name, '')
  }
  const names = watchedFiles({ configFile: join(folder, 'config.yaml'), env: {} }).map((file) =>
    file.slice(folder.length + 1),
  )
  expect(names.toSorted()).toEqual([
    'config.yaml',
    'more.yaml',
    'near.ts',
    'one.ts',
    'two/deep/part.ts',
    'two/index.ts',
  ])
})

test('it watches the configuration where that cannot be read, and no more files than it can', async () => {
  const { folder, write } = newFolder()
  expect(watchedFiles({ configFile: join(folder, 'config.yaml'), env: {} })).toEqual([join(folder, 'config.yaml')])
  mkdirSync(join(folder, 'many'))
  await write('config.yaml', 'plugins: { many: { from: ./many } }')
  await Promise.all(Array.from({ length: 2_100 }, (_, index) => write(`many/${index}.ts`, '')))
  expect(watchedFiles({ configFile: join(folder, 'config.yaml'), env: {} })).toHaveLength(2_000)
})
