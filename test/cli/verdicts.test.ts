/** The same configurations through `check`, a start, the plan of a reload, and the reload: one verdict. */
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cli } from '../../cli/cli.ts'
import { check } from '../../cli/commands/check.ts'
import { loadOptions } from '../../cli/load-options.ts'
import { reportError } from '../../cli/output/report-error.ts'
import { ConfigError } from '../../core/config/errors.ts'
import { isUp } from '../../core/contract/plugin-state.ts'
import type { PlanStep } from '../../core/plugin.ts'
import type { RunningRuntime } from '../../core/running-runtime.ts'
import { createRuntime } from '../../core/runtime.ts'
import { freePort } from '../support/services.ts'

const contract = join(import.meta.dir, '../../core/plugin.ts')
const source = (provides: string, needs: string, packages: readonly string[] = []) => `
import { definePlugin, service, z } from ${JSON.stringify(contract)}
const tokens = (ids) => Object.fromEntries(ids.split(' ').filter(Boolean).map((id) => [id, service(id)]))
const provides = tokens(${JSON.stringify(provides)})
export default definePlugin({
  api: 1, name: 'made', version: '1.2.3', summary: 'For a test.',
  config: z.strictObject({
    url: z.string().default('x').describe('Empty: off.'),
    fails: z.boolean().default(false).describe('Whether the start throws.'),
  }),
  provides, needs: tokens(${JSON.stringify(needs)}),
  packages: ${JSON.stringify(packages)},
  unconfigured: ({ url }) => (url === '' ? 'url is empty' : undefined),
  setup: ({ config }) => ({
    services: Object.fromEntries(Object.keys(provides).map((id) => [id, {}])),
    start() { if (config.fails) throw new Error('it fails') },
  }),
})
`
const modules = {
  depot: source('depot', ''),
  clerk: source('clerk', 'depot'),
  guest: source('', 'clerk'),
  loop: source('depot', 'clerk'),
  alone: source('', 'runtime eventLoop'),
  bare: source('', '', ['arkwatch-no-such-package']),
}
const folders: string[] = []
const running: RunningRuntime[] = []
afterAll(async () => {
  for (const each of running) await each.stop()
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** A folder with the plugins, and a command line in it. */
function place() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'arkwatch-verdict-')))
  folders.push(folder)
  mkdirSync(join(folder, 'data'))
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, `${name}.ts`), text)
  const printed: string[] = []
  const configFile = join(folder, 'config.yaml')
  const ways = { colour: false, interactive: false, url: undefined, warn() {} }
  const cli: Cli = { ...ways, env: {}, cwd: folder, json: true, configFile, print: (text) => void printed.push(text) }
  const write = (plugins: string, rest = '') =>
    writeFileSync(configFile, `plugins:\n${plugins.replaceAll(/^/gm, '  ')}\n${rest}`)
  const silent = { isEnabled: () => false, write() {} }
  const start = async () => {
    const runtime = await createRuntime({ ...loadOptions(cli), fallbackSink: silent })
    running.push(runtime)
    return runtime
  }
  return { cli, printed, write, start }
}

/** What runs, and why the rest does not; or the errors. */
type Verdict = Readonly<Record<string, string>> | readonly string[]

const errorsOf = ({ problems }: Pick<ConfigError, 'problems'>) =>
  problems.map(({ code, line, column, pointer, message }) => `${line}:${column} ${pointer} ${code} ${message}`)
async function verdict(work: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown
    return errorsOf(thrown)
  }
}
const stateOf = ({ status }: RunningRuntime) =>
  Object.fromEntries(status().plugins.map(({ name, state, reason }) => [name, isUp(state) ? 'runs' : reason]))

async function checked({ cli, printed }: ReturnType<typeof place>): Promise<Verdict> {
  await check(cli, {})
  const { ok, problems, plugins, off } = JSON.parse(printed.at(-1)!)
  if (!ok) return errorsOf({ problems })
  return { ...Object.fromEntries(plugins.map((name: string) => [name, 'runs'])), ...off }
}

/** The state that steps lead to. */
function after(before: Readonly<Record<string, string>>, steps: readonly PlanStep[]): Verdict {
  const state = ({ plugin, action, off }: PlanStep) => off ?? (action === 'untouched' ? before[plugin]! : 'runs')
  const named = steps.filter(({ reason }) => reason !== 'no longer named')
  return Object.fromEntries(named.map((step) => [step.plugin, state(step)]))
}

const base = 'depot: { from: ./depot.ts }\nclerk: { from: ./clerk.ts }\nguest: { from: ./guest.ts }'
const need = (id: string) => `needs the service ${id}, which is not available`
const packageNeed = 'plugin bare needs the package arkwatch-no-such-package: run `bun add arkwatch-no-such-package`'
const rows: [string, string, Verdict][] = [
  ['everything', base, { depot: 'runs', clerk: 'runs', guest: 'runs' }],
  ['services of the runtime', 'alone: { from: ./alone.ts }', { alone: 'runs' }],
  [
    'a need that nobody provides',
    'clerk: { from: ./clerk.ts }',
    [
      '2:3 /plugins/clerk SERVICE_UNAVAILABLE service depot is not available: plugin clerk needs the service, and no ' +
        'plugin of the configuration provides it',
    ],
  ],
  [
    'two providers',
    `${base}\ndepot2: { from: ./depot.ts }`,
    ['5:3 /plugins/depot2 SERVICE_DUPLICATE service depot is provided by both depot and depot2'],
  ],
  [
    'two providers, one switched off',
    `${base}\ndepot2: { from: ./depot.ts, enabled: false }`,
    { depot: 'runs', clerk: 'runs', guest: 'runs', depot2: 'enabled: false' },
  ],
  [
    'two providers, one without a target',
    `${base}\ndepot2: { from: ./depot.ts, url: "" }`,
    { depot: 'runs', clerk: 'runs', guest: 'runs', depot2: 'url is empty' },
  ],
  [
    'a circle',
    'clerk: { from: ./clerk.ts }\nloop: { from: ./loop.ts }',
    ['2:3 /plugins/clerk GRAPH_CYCLE plugins need each other in a circle: clerk -> loop -> clerk'],
  ],
  [
    'a provider without a target',
    base.replace('depot.ts', 'depot.ts, url: ""'),
    { depot: 'url is empty', clerk: need('depot'), guest: need('clerk') },
  ],
  [
    'a provider that is switched off',
    base.replace('depot.ts', 'depot.ts, enabled: false'),
    { depot: 'enabled: false', clerk: need('depot'), guest: need('clerk') },
  ],
  [
    'the same, needed by a required plugin',
    base.replace('depot.ts', 'depot.ts, enabled: false').replace('guest.ts', 'guest.ts, required: true'),
    [`4:3 /plugins/guest PLUGIN_REQUIRED_FAILED required plugin guest is blocked: ${need('clerk')}`],
  ],
  [
    'a required plugin whose package is not installed',
    'bare: { from: ./bare.ts, required: true }',
    [`2:3 /plugins/bare PLUGIN_REQUIRED_FAILED required plugin bare is failed: ${packageNeed}`],
  ],
  [
    'a plugin that is switched off and lacks a service',
    'depot: { from: ./depot.ts }\nguest: { from: ./guest.ts, enabled: false }',
    { depot: 'runs', guest: 'enabled: false' },
  ],
]
describe.each(rows)('%s', (_what, config, expected) => {
  test('has the verdict of check at a start', async () => {
    const at = place()
    at.write(config)
    expect(await verdict(() => checked(at))).toEqual(expected)
    expect(await verdict(async () => stateOf(await at.start()))).toEqual(expected)
  })

  test.each([
    ['everything runs', base],
    ['nothing runs', 'depot: { from: ./depot.ts, enabled: false }\nclerk: { from: ./clerk.ts, enabled: false }'],
  ])('has it in the plan and in the reload, where %s', async (_where, first) => {
    const at = place()
    at.write(first)
    const runtime = await at.start()
    const before = stateOf(runtime)
    at.write(config)
    expect(await verdict(async () => after(before, await runtime.plan()))).toEqual(expected)
    expect(await verdict(async () => after(before, await runtime.reload()))).toEqual(expected)
    expect(stateOf(runtime)).toEqual(Array.isArray(expected) ? before : (expected as Record<string, string>))
    if (!Array.isArray(expected)) {
      const again = await runtime.plan()
      expect(again.filter(({ action, off }) => action !== 'untouched' || off !== undefined)).toEqual([])
    }
  })
})

test('a plan and a reload say that the listener moves, opens, drains otherwise and closes', async () => {
  const [one, two] = [await freePort(), await freePort()]
  const at = place()
  at.write(base)
  const runtime = await at.start()
  const urls = () => runtime.status().listeners.map(({ url }) => url)
  const changes: [string, string, number[]][] = [
    [`server: { port: ${one} }`, `add the listener opens 127.0.0.1:${one}`, [one]],
    [`server: { port: ${two} }`, `replace the listener moves from 127.0.0.1:${one} to 127.0.0.1:${two}`, [two]],
    [`server: { port: ${two}, drainTimeout: 1s }`, 'reconfigure drainDelay or drainTimeout changed', [two]],
    ['', `remove the listener closes 127.0.0.1:${two}`, []],
  ]
  for (const [text, expected, ports] of changes) {
    at.write(base, text)
    const planned = await runtime.plan()
    expect(`${planned[0]!.action} ${planned[0]!.reason}`).toBe(expected)
    expect(await runtime.reload()).toEqual(planned)
    expect(urls()).toEqual(ports.map((port) => `http://127.0.0.1:${port}`))
    expect((await runtime.plan()).map(({ plugin }) => plugin)).toEqual(['depot', 'clerk', 'guest'])
  }
})

const taken: [string, (one: number, two: number) => readonly [string, string, string]][] = [
  [
    'two listeners swap their ports',
    (one, two) => [
      `metrics: { listen: { port: ${two} } }\nserver: { port: ${one} }`,
      `metrics: { listen: { port: ${one} } }\nserver: { port: ${two} }`,
      `/server to port ${two} of 127.0.0.1, which /plugins/metrics/listen holds until the reload has ended`,
    ],
  ],
  [
    'a listener moves to a port that another one leaves',
    (one, two) => [
      `metrics: { listen: { port: ${one} } }`,
      `metrics: { listen: { port: ${two} } }\nserver: { host: 0.0.0.0, port: ${one} }`,
      `/server to port ${one} of 0.0.0.0, which /plugins/metrics/listen holds until the reload has ended`,
    ],
  ],
  [
    'a thread takes the port of a listener that closes',
    (one) => [
      `health:\nserver: { port: ${one} }`,
      `health: { watchdog: { port: ${one} } }`,
      `/plugins/health/watchdog to port ${one} of 127.0.0.1, which /server holds until the reload has ended`,
    ],
  ],
  [
    'a listener keeps its port and changes its host',
    (one) => [
      `health:\nserver: { port: ${one} }`,
      `health:\nserver: { host: 0.0.0.0, port: ${one} }`,
      `/server to port ${one} of 0.0.0.0, which /server holds until the reload has ended`,
    ],
  ],
]
test.each(taken)('%s: check and a start accept it, plans and a reload refuse it alike', async (_, texts) => {
  const at = place()
  const [before, next, what] = texts(await freePort(), await freePort())
  const write = (text: string) => {
    const [plugins, ...rest] = text.split('\nserver')
    at.write(plugins!, rest.map((each) => `server${each}`).join(''))
  }
  write(before)
  const runtime = await at.start()
  const { listeners } = runtime.status()
  write(next)
  const refused = { code: 'RELOAD_NEEDS_RESTART', message: `a reload cannot change ${what}` }
  await expect(runtime.plan()).rejects.toMatchObject(refused)
  await expect(runtime.changes.plan({})).rejects.toMatchObject(refused)
  await expect(runtime.reload()).rejects.toMatchObject(refused)
  expect(runtime.status().listeners).toEqual(listeners)
  await runtime.stop()
  expect(await checked(at)).not.toBeArray()
  await at.start()
})

const off = 'plugins: { depot: { enabled: false } }'
test.each<[string, overlay: string, before: string, Verdict]>([
  ['of a good change', off, '', { depot: 'runs' }],
  ['of a change over another one', '', off, { depot: 'enabled: false' }],
  ['of a change that is invalid by now', 'nonsense: 1', '', { depot: 'runs' }],
  [
    'over an overlay that is invalid by now',
    '',
    'nonsense: 1',
    [expect.stringMatching(/^1:1 \/nonsense CONFIG_UNKNOWN_KEY/) as never],
  ],
])(
  'check leaves out a change without confirmation, as a start rolls it back: %s',
  async (_, overlay, text, expected) => {
    const at = place()
    at.write('depot: { from: ./depot.ts }')
    const dataOf = (name: string) => join(at.cli.cwd, 'data', name)
    if (overlay !== '') writeFileSync(dataOf('overlay.yaml'), overlay)
    writeFileSync(dataOf('overlay.pending.json'), JSON.stringify({ id: 'x-1', text }))
    expect(await verdict(() => checked(at))).toEqual(expected)
    const warned: string[] = []
    const warn = (line: string) => void warned.push(line)
    if (!Array.isArray(expected)) {
      expect(JSON.parse(at.printed.at(-1)!).rolledBack).toBe('x-1')
      await check({ ...at.cli, json: false, warn }, {})
      expect(warned[0]).toBe('a start rolls back the change x-1, which is not complete or not confirmed')
    }
    expect(await verdict(async () => stateOf(await at.start()))).toEqual(expected)
  },
)

test('check and a start refuse a damaged record of a change without confirmation', async () => {
  const at = place()
  at.write('depot: { from: ./depot.ts }')
  writeFileSync(join(at.cli.cwd, 'data/overlay.pending.json'), '{')
  await expect(checked(at)).rejects.toMatchObject({ code: 'DATA_FILE_DAMAGED' })
  await expect(at.start()).rejects.toMatchObject({ code: 'DATA_FILE_DAMAGED' })
})

test('a plan refuses what a reload and a change refuse', async () => {
  const at = place()
  at.write(base)
  const runtime = await at.start()
  at.write(base, 'workers: { maxThreads: 3 }')
  const refused = { code: 'RELOAD_NEEDS_RESTART', message: 'a reload cannot change workers' }
  await expect(runtime.plan()).rejects.toMatchObject(refused)
  await expect(runtime.reload()).rejects.toMatchObject(refused)
  await expect(runtime.changes.plan({})).rejects.toMatchObject(refused)
})

test('a reload says which plugins failed again, and which are blocked by that', async () => {
  const at = place()
  at.write(base.replace('depot.ts', 'depot.ts, fails: true'))
  const runtime = await at.start()
  expect(stateOf(runtime).clerk).toBe(need('depot'))
  expect(await runtime.reload()).toEqual([
    {
      plugin: 'depot',
      action: 'add',
      reason: 'was not running, but failed',
      state: 'none',
      off: 'plugin depot failed in start: it fails',
    },
    { plugin: 'clerk', action: 'add', reason: 'was not running, but blocked', state: 'none', off: need('depot') },
    { plugin: 'guest', action: 'add', reason: 'was not running, but blocked', state: 'none', off: need('clerk') },
  ])
})

test('a plugin that is off is not restarted, and the error says why', async () => {
  const at = place()
  at.write(base.replace('depot.ts', 'depot.ts, enabled: false'))
  const runtime = await at.start()
  await expect(runtime.restart('depot')).rejects.toMatchObject({
    code: 'PLUGIN_OFF',
    message: 'plugin depot is disabled and cannot be restarted: enabled: false',
  })
  await expect(runtime.restart('clerk')).rejects.toMatchObject({
    message: `plugin clerk is blocked and cannot be restarted: ${need('depot')}`,
  })
  await expect(runtime.restart('nobody')).rejects.toMatchObject({ code: 'PLUGIN_NOT_THERE' })
})

test('a missing plugin that comes with Arkwatch is named', async () => {
  const at = place()
  at.write('admin:')
  await check(at.cli, {})
  const { problems } = JSON.parse(at.printed.at(-1)!) as { problems: { pointer: string; help: string }[] }
  expect(problems).toEqual([
    expect.objectContaining({ pointer: '/plugins/admin', help: 'Name the plugin store under `plugins`.' }),
  ])
})

test('a person reads the position of each error of the graph', async () => {
  const at = place()
  at.write('clerk: { from: ./clerk.ts }')
  const lines: string[] = []
  const cli = { ...at.cli, json: false, warn: (text: string) => void lines.push(text) }
  const exitCode = await check(cli, {}).catch((thrown) => reportError(cli, thrown))
  expect(exitCode).toBe(78)
  expect(lines[0]).toStartWith('config.yaml:2:3: service depot is not available: plugin clerk needs')
})

test('check says, as a start does, that a plugin without its package fails', async () => {
  const at = place()
  at.write('bare: { from: ./bare.ts }')
  expect(await checked(at)).toEqual({ bare: packageNeed })
  expect(stateOf(await at.start())).toEqual({ bare: packageNeed })
})
