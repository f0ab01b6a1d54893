import { beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'

// A process of its own checks every plugin of the fixture.
setDefaultTimeout(180_000)

const fixture = join(import.meta.dir, 'fixtures/contracts.ts')
/** By plugin: the text of each test that failed, and how many passed. */
const failures = new Map<string, string[]>()
const passes = new Map<string, number>()
/** The names of tests that were skipped. */
const skipped: string[] = []

beforeAll(async () => {
  const child = Bun.spawn([process.execPath, 'test', fixture], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [, text] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  let before = ''
  // The faults come again at the end, in a list.
  for (const line of text.split(/^\d+ tests failed:$/m)[0]!.split('\n')) {
    const [, verdict, name] = /^\((pass|fail|skip)\) the contract of plugin (\w+) > /.exec(line) ?? []
    if (verdict === 'skip') skipped.push(line)
    if (verdict === 'pass') passes.set(name!, (passes.get(name!) ?? 0) + 1)
    if (verdict === 'fail') failures.set(name!, [...(failures.get(name!) ?? []), before])
    before = verdict === undefined ? `${before}\n${line}` : ''
  }
  expect(await child.exited).toBe(1)
})

test.each(['good', 'minute_work', 'needing'])('%s keeps the contract and passes', (plugin) => {
  expect([passes.get(plugin), failures.get(plugin)]).toEqual([7, undefined])
})

test.each([
  ['leaked_interval', 'left after three starts and stops: timers (3)'],
  ['leaked_thread', 'left after three starts and stops: threads (3)'],
  ['leaked_handle', 'left after three starts and stops: handles (2)'],
  ['leaked_file', 'handles (2), the newest: '],
  ['leaked_file', 'contracts.ts'],
  ['leaked_watch', 'left after three starts and stops: watchers (1)'],
  ['leaked_watch_file', 'left after three starts and stops: watchers (1)'],
  ['leaked_listener', 'left after three starts and stops: listeners (3)'],
  ['stop_needs_start', 'stop logs an error: '],
  ['loose', 'the schema takes unknown options: make it with z.strictObject'],
  ['opening_setup', 'setup opens timers (1)'],
  ['arming_setup', 'setup arms timers of the clock (1)'],
  ['throwing_tick', 'within 60 s of its start: a timer threw: boom'],
  ['rejecting_tick', 'within 60 s of its start: a timer threw: boom'],
  ['endless_poll', 'plugin endless_poll continues after its end'],
  ['hanging_task', 'within 70 s of its start: a timer threw: task sample.double did not finish within 100 ms'],
  ['throwing_observe', 'the hook observe throws: boom'],
  ['throwing_on_error', 'the hook onError throws: boom'],
  ['async_hook', 'the hook onResponse returns a promise'],
])('%s fails with a message that names the fault', (plugin, message) => {
  expect(failures.get(plugin)).toEqual([expect.stringContaining(message)])
  expect(passes.get(plugin)).toBe(6)
})

test.each(['secret', 'default', 'password', 'in_list', 'in_map'])(
  'a secret is found without a word of the author: %s',
  (what) => {
    expect(failures.get(`shown_${what}`)).toEqual([expect.stringContaining('a-planted-token')])
    expect(passes.get(`shown_${what}`)).toBe(7)
  },
)

test('secrets without a value are not reported as tested', () => {
  expect([passes.get('without_value'), failures.get('without_value')]).toEqual([7, undefined])
  expect(skipped).toContainEqual(expect.stringContaining('give field a value in `config`'))
})

test('a stop that throws or hangs fails the tests that start the plugin, and names the fault', () => {
  expect(failures.get('throwing_stop')).toEqual([expect.stringContaining('boom'), expect.stringContaining('boom')])
  const hanging = 'plugin hanging_stop does not stop in time'
  expect(failures.get('hanging_stop')).toEqual([expect.stringContaining(hanging), expect.stringContaining(hanging)])
  expect([passes.get('throwing_stop'), passes.get('hanging_stop')]).toEqual([5, 5])
})

test.each([
  ['needing_in_vain', 'Give pluginContract `{ plugins: { metrics: {} } }` for a plugin that comes with Arkwatch'],
  ['async_setup', 'setup returned a promise: setup is synchronous'],
  ['misspelt_hook', 'setup returned the unknown hook "onRespose": did you mean "onResponse"?'],
  ['misspelt_part', 'setup returned the unknown part "strat": did you mean "start"?'],
])('%s is refused by the runtime, and every test that needs the plugin names the fault', (plugin, message) => {
  for (const text of failures.get(plugin)!) expect(text).toContain(message)
  expect(passes.get(plugin)! + failures.get(plugin)!.length).toBe(7)
})
