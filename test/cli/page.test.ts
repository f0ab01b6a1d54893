import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes, forcedExitCode } from '../../core/exit-codes.ts'
import { commandFolder, commandTimeoutMs } from './arkwatch-command.ts'

setDefaultTimeout(commandTimeoutMs)

const read = (file: string) => readFileSync(join(import.meta.dir, '../..', file), 'utf8')
const page = read('docs/cli.md')
const made = commandFolder()
afterAll(() => made[Symbol.asyncDispose]())

/** The first cells of a table, its backquotes gone. */
const firstCells = (heading: string) => {
  const [, section = ''] = page.split(`## ${heading}\n`)
  const rows = section.split(/^## /m)[0]!.matchAll(/^\| ((?:[^`|]*`[^`|]*`)+|\d+) \|/gm)
  return [...rows].flatMap(([, cell]) => cell!.replaceAll('`', '').split(', '))
}

test('docs/cli.md and the help list every exit code', async () => {
  const codes = [...Object.values(exitCodes), forcedExitCode].map(String)
  expect(firstCells('Exit codes')).toEqual(codes)
  const [, listed = ''] = /Exit codes: ([\s\S]*)/.exec((await made.run('--help')).stdout)!
  expect([...listed.matchAll(/\d+/g)].map(([code]) => code)).toEqual(codes)
})

test('docs/cli.md lists every file of a running process, and README.md shows what a probe and a scrape answer', async () => {
  await made.write(
    'config.yaml',
    'server: { port: 0 }\nplugins: { metrics: {}, health: {}, store: {}, audit: {}, admin: {} }\n',
  )
  const { seen, child, ended } = made.start('start')
  const [, url = ''] = /listens on (http:[\d./:]+)/.exec(await seen(/listens on http:[\d./:]+/))!
  const files = readdirSync(join(made.folder, 'data'))
  const get = async (path: string) => (await fetch(`${url}${path}`)).text()
  const readyz = await get('/readyz?verbose')
  const names = async () =>
    [...(await get('/metrics')).matchAll(/^arkrelay_system\w+(?= )/gm)].map(([name]) => name).sort()
  // The collectors read a real machine.
  for (let turn = 0; turn < 100 && (await names()).length < 3; turn += 1) await Bun.sleep(50)
  const scraped = await names()
  child.kill('SIGTERM')
  await ended
  expect(files).toContain('arkwatch.lock-journal')
  expect(files.filter((file) => !firstCells('Files in the data directory').includes(file))).toEqual([])
  const readme = read('README.md')
  expect(readme).toContain(`verbose'\n${readyz}`)
  expect([...readme.matchAll(/^arkrelay_system\w+(?= [\d.]+$)/gm)].map(([name]) => name).sort()).toEqual(scraped)
})

test('docs/configuration.md shows errors as check prints them', async () => {
  const [, shown = ''] = /exit code is 78:\n\n```\n([\s\S]*?)```/.exec(read('docs/configuration.md'))!
  await made.write(
    'config.yaml',
    `# yaml-language-server: $schema=./config.schema.json
environment: production
server:
  prot: 8080
plugins:
  health:
    checks:
      database:
        every: soon
        url: \${env:DATABASE_URL}
        kind: postgres
`,
  )
  const { exitCode, stderr } = await made.run('check')
  expect(exitCode).toBe(78)
  expect(stderr.replace(/^3 .*\n$/m, '')).toBe(shown)
})
