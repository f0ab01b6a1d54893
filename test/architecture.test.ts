/** The rules of the house, over the repository itself, and over planted breaches of each. */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import {
  type ArchitectureOptions,
  type Exceptions,
  type SourceFile,
  unusedExceptions,
  violations,
} from './support/architecture.ts'

/** Where raw time may be used, and why. */
const rawTime: Exceptions = {
  'core/process/clock.ts': 'it is the clock',
  'plugins/health/watchdog/worker.ts': 'runs in its own thread and must not depend on the loop that it watches',
  'plugins/logging/access/access-worker.ts': 'runs in its own thread, where waiting holds up nobody',
  'plugins/logging/access/access-log.ts': 'waits for its thread while the process ends and the loop no longer turns',
  'plugins/logging/sinks/buffered-output.ts':
    'waits for a full pipe while the process ends and the loop no longer turns',
  'scripts/': 'tools that measure and start real processes in real time',
  'examples/': 'applications of others, which have no clock of ours',
}

const root = join(import.meta.dir, '..')
const manifest = await Bun.file(join(root, 'package.json')).json()
const options: ArchitectureOptions = { rawTime, optionalPackages: Object.keys(manifest.optionalDependencies) }

async function repository(): Promise<SourceFile[]> {
  const patterns = ['*.ts', '{core,plugins,cli,scripts,test,testing,examples}/**/*.{ts,tsx}']
  const paths = patterns
    .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })])
    .filter((path) => !/(^|\/)(node_modules|data)\//.test(path))
  return Promise.all(paths.sort().map(async (path) => ({ path, text: await Bun.file(join(root, path)).text() })))
}

test('the repository keeps every rule', async () => {
  const files = await repository()
  expect(files.length).toBeGreaterThan(100)
  expect(violations(files, options)).toEqual([])
})

test('no exception is left that nothing needs', async () => {
  const files = await repository()
  const optional = ['scripts/', 'examples/']
  expect(unusedExceptions(files, rawTime).filter((path) => !optional.includes(path))).toEqual([])
})

/** The rules that a set of files breaks: `rule path`. */
const broken = (files: Readonly<Record<string, string>>, exceptions: Exceptions = {}) =>
  violations(
    Object.entries(files).map(([path, text]) => ({ path, text })),
    { rawTime: exceptions, optionalPackages: ['ioredis', '@scope/driver'] },
  ).map(({ rule, path }) => `${rule} ${path}`)

const api = { 'plugins/b/api.ts': 'export interface B {}\n', 'plugins/b/engine.ts': 'export const engine = 1\n' }
const addressOf = (file: string) => `export const url = new URL('${file}', import.meta.url)\n`
const lines = (count: number) => 'x()\n'.repeat(count)

describe('caught', () => {
  test.each<[string, Record<string, string>, string[]]>([
    [
      'core importing a plugin',
      { 'core/a.ts': "import { x } from '../plugins/b/api.ts'\n", ...api },
      ['core-imports-outward core/a.ts'],
    ],
    [
      'the contract importing another room of core',
      { 'core/contract/a.ts': "import type { x } from '../process/b.ts'\n" },
      ['imports-beyond-row core/contract/a.ts'],
    ],
    [
      'requests importing the lifecycle',
      { 'core/requests/routes/a.ts': "import { x } from '../../lifecycle/host.ts'\n" },
      ['imports-beyond-row core/requests/routes/a.ts'],
    ],
    [
      'the configuration importing the lifecycle',
      { 'core/config/a.ts': "import type { x } from '../lifecycle/plan.ts'\n" },
      ['imports-beyond-row core/config/a.ts'],
    ],
    [
      'the process importing the configuration',
      { 'core/process/a.ts': "import type { x } from '../config/tree.ts'\n" },
      ['imports-beyond-row core/process/a.ts'],
    ],
    [
      'the command line running the inside of a plugin',
      { 'cli/a.ts': "import { engine } from '../plugins/b/engine.ts'\n", ...api },
      ['imports-beyond-row cli/a.ts'],
    ],
    [
      'the entry of applications importing the inside of a plugin',
      { 'index.ts': "import { engine } from './plugins/b/engine.ts'\n", ...api },
      ['imports-beyond-row index.ts'],
    ],
    [
      'the test kit importing a plugin',
      { 'testing/a.ts': "import type { B } from '../plugins/b/api.ts'\n", ...api },
      ['imports-beyond-row testing/a.ts'],
    ],
    [
      'the environment variables importing a plugin',
      { 'plugins/environment.ts': "import type { B } from './b/api.ts'\n", ...api },
      ['imports-beyond-row plugins/environment.ts'],
    ],
    [
      'core importing a door',
      { 'core/http/a.ts': "import { x } from '../plugin.ts'\nimport { y } from '../worker.ts'\n" },
      ['core-imports-door core/http/a.ts', 'core-imports-door core/http/a.ts'],
    ],
    [
      'a plugin going around the door',
      { 'plugins/a/x.ts': "import type { x } from '../../core/contract/units.ts'\n" },
      ['plugin-around-door plugins/a/x.ts'],
    ],
    [
      'the address of a file of core in a plugin',
      { 'plugins/a/x.ts': "export const u = new URL('../../core/process/log.ts', import.meta.url)\n" },
      ['plugin-around-door plugins/a/x.ts'],
    ],
    [
      'an api with an implementation',
      { 'plugins/b/api.ts': "export { engine } from './engine.ts'\n", 'plugins/b/engine.ts': '' },
      ['api-implements plugins/b/api.ts'],
    ],
    [
      'a circle of types',
      { 'core/a.ts': "import type { B } from './b.ts'\n", 'core/b.ts': "import type { A } from './a.ts'\n" },
      ['circle core/a.ts'],
    ],
    [
      'a folder without rooms',
      Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`core/flat/${'abcdefghijklmnopq'[at]}.ts`, ''])),
      ['flat-folder core/flat'],
    ],
    [
      'core importing only a type of a plugin',
      { 'core/a.ts': "import type { B } from '../plugins/b/api.ts'\n" },
      ['core-imports-outward core/a.ts'],
    ],
    [
      'core re-exporting a plugin',
      { 'core/a.ts': "export * from '../plugins/b/api.ts'\n" },
      ['core-imports-outward core/a.ts'],
    ],
    [
      'core importing a plugin inside a function',
      { 'core/a.ts': "export const f = () => import('../plugins/b/index.ts')\n" },
      ['core-imports-outward core/a.ts'],
    ],
    [
      'core importing what is above it',
      { 'core/http/a.ts': "import { x } from '../../cli/x.ts'\n" },
      ['core-imports-outward core/http/a.ts'],
    ],
    [
      'a plugin importing the inside of another',
      { 'plugins/a/x.ts': "import { engine } from '../b/engine.ts'\n", ...api },
      ['plugin-imports-internals plugins/a/x.ts'],
    ],
    [
      'the same with a type',
      { 'plugins/a/x.ts': "import { type engine } from '../b/engine.ts'\n", ...api },
      ['plugin-imports-internals plugins/a/x.ts'],
    ],
    [
      'the same with a type written in place',
      { 'plugins/a/x.ts': "export type E = import('../b/engine.ts').E\n" },
      ['plugin-imports-internals plugins/a/x.ts'],
    ],
    [
      'the same by the address of a job',
      { 'plugins/a/x.ts': "export const u = new URL('../b/jobs/x.ts', import.meta.url)\n" },
      ['plugin-imports-internals plugins/a/x.ts'],
    ],
    [
      'a plugin importing a test helper',
      { 'plugins/a/x.ts': "import { t } from '../../testing/index.ts'\n" },
      ['plugin-imports-internals plugins/a/x.ts'],
    ],
    [
      'a pure file importing the file system',
      { 'core/a.ts': "/** PURE. */\nimport { readFileSync } from 'node:fs'\n" },
      ['pure-does-io core/a.ts'],
    ],
    [
      'a pure file importing what imports the network',
      {
        'core/a.ts': "/** PURE. */\nimport { b } from './b.ts'\n",
        'core/b.ts': "import net from 'node:net'\nexport const b = net\n",
      },
      ['pure-does-io core/a.ts'],
    ],
    [
      'a pure file that reads a file without an import',
      { 'core/a.ts': "/**\n * PURE. Long\n */\nexport const f = () => Bun.file('x').text()\n" },
      ['pure-does-io core/a.ts'],
    ],
    [
      'a pure file that asks the network',
      { 'core/a.ts': "// PURE.\nexport const f = () => fetch('http://x')\n" },
      ['pure-does-io core/a.ts'],
    ],
    [
      'a task importing zod',
      { 'plugins/a/tasks/x.ts': "import { z } from 'zod'\n", 'plugins/a/y.ts': addressOf('./tasks/x.ts') },
      ['thread-imports-zod plugins/a/tasks/x.ts'],
    ],
    [
      'a thread importing the door that brings zod',
      {
        'plugins/a/worker.ts': "import { c } from '../../core/plugin.ts'\n",
        'plugins/a/y.ts': addressOf('./worker.ts'),
        'core/plugin.ts': "export { z as c } from 'zod/v4'\n",
      },
      ['thread-imports-zod plugins/a/worker.ts'],
    ],
    [
      'an optional package imported early',
      { 'plugins/a/x.ts': "import { Redis } from 'ioredis'\n" },
      ['optional-package-imported-early plugins/a/x.ts'],
    ],
    [
      'a part of a scoped one',
      { 'plugins/a/x.ts': "import d from '@scope/driver/pool'\n" },
      ['optional-package-imported-early plugins/a/x.ts'],
    ],
    ['Date.now', { 'core/a.ts': 'export const f = () => Date.now()\n' }, ['raw-time core/a.ts']],
    ['performance.now', { 'cli/a.ts': 'export const f = () => performance.now()\n' }, ['raw-time cli/a.ts']],
    ['setTimeout given on', { 'core/a.ts': 'export const later = setTimeout\n' }, ['raw-time core/a.ts']],
    [
      'setInterval of the global object',
      { 'core/a.ts': 'globalThis.setInterval(() => {}, 1)\n' },
      ['raw-time core/a.ts'],
    ],
    ['the present as a Date', { 'core/a.ts': 'export const f = () => new Date()\n' }, ['raw-time core/a.ts']],
    [
      'the timers module',
      { 'core/a.ts': "import { scheduler } from 'node:timers/promises'\n" },
      ['raw-time core/a.ts'],
    ],
    ['time in a template', { 'core/a.ts': 'export const f = () => `${' + 'Date.now()}`\n' }, ['raw-time core/a.ts']],
    ['a plugin that ends the process', { 'plugins/a/x.ts': 'process.exit(1)\n' }, ['process-exit plugins/a/x.ts']],
    ['a long file', { 'core/a.ts': lines(251) }, ['too-long core/a.ts']],
    ['a long manifest', { 'plugins/a/index.ts': lines(81) }, ['too-long plugins/a/index.ts']],
    ['a very long test', { 'test/a.test.ts': lines(401) }, ['too-long test/a.test.ts']],
    ['a wide comment', { 'core/a.ts': `x()\n/** ${'a '.repeat(58)}*/\n` }, ['wide-comment core/a.ts']],
    ['utils', { 'core/utils.ts': '' }, ['name core/utils.ts']],
    ['helpers', { 'plugins/a/helpers.ts': '' }, ['name plugins/a/helpers.ts']],
    ['a second of something', { 'core/graph2.ts': '' }, ['name core/graph2.ts']],
    ['camelCase', { 'core/eventLoop.ts': '' }, ['name core/eventLoop.ts']],
  ])('%s', (_, files, rules) => {
    expect(broken(files)).toEqual(rules)
  })
})

describe('let through', () => {
  test.each<[string, Record<string, string>]>([
    [
      "another plugin's api",
      { 'plugins/a/x.ts': "import { B } from '../b/api.ts'\nimport type { C } from '../b/api.ts'\n", ...api },
    ],
    [
      "a plugin's own inside and core",
      { 'plugins/b/x.ts': "import { engine } from './engine.ts'\nimport { a } from '../../core/plugin.ts'\n", ...api },
    ],
    [
      'the command line naming the types of a plugin',
      { 'cli/a.ts': "import type { engine } from '../plugins/b/engine.ts'\n", ...api },
    ],
    [
      'a pure file with only types of what does I/O',
      {
        'core/a.ts': "/** PURE. */\nimport type { b } from './b.ts'\n",
        'core/b.ts': "import net from 'node:net'\nexport const b = net\n",
      },
    ],
    [
      'prose about I/O and time in a pure file',
      {
        'core/a.ts':
          "/** PURE. */\n// Date.now() and fetch() are not used\nexport const s = 'setTimeout fetch( new Date()'\n",
      },
    ],
    [
      'an optional package imported in start',
      { 'plugins/a/x.ts': "export const f = async () => (await import('ioredis')).Redis\n" },
    ],
    ['types of an optional package', { 'plugins/a/x.ts': "import type { Redis } from 'ioredis'\n" }],
    ['a method of the same name', { 'core/a.ts': 'export const f = (socket: any) => socket.setTimeout(1)\n' }],
    ['a date from a number', { 'core/a.ts': 'export const f = (ms: number) => new Date(ms).toISOString()\n' }],
    [
      'a long file that says why',
      { 'core/a.ts': `/** A table. Over 250 lines because it is one table. */\n${lines(300)}` },
    ],
    [
      'an import that is only text',
      { 'core/a.ts': 'export const template = `\nimport { x } from "../plugins/b/engine.ts"\n`\n' },
    ],
    ['a script with a hash-bang', { 'scripts/a.ts': '#!/usr/bin/env bun\nexport const a = 1\n' }],
  ])('%s', (_, files) => {
    expect(broken(files)).toEqual([])
  })

  test('raw time where an exception says why, by file and by folder', () => {
    const files = { 'core/process/clock.ts': 'Date.now()\n', 'scripts/a/b.ts': 'performance.now()\n' }
    expect(broken(files, { 'core/process/clock.ts': 'it is the clock', 'scripts/': 'tools' })).toEqual([])
  })
})

test('an exception for a file that uses no raw time is unused', () => {
  const files = [{ path: 'core/a.ts', text: 'x()\n' }]
  expect(unusedExceptions(files, { 'core/a.ts': 'once needed', 'core/gone.ts': 'once there' })).toEqual([
    'core/a.ts',
    'core/gone.ts',
  ])
})
