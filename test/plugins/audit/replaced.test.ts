/** A change that replaces the audit log or its store has its outcome on record, however the change was made. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { definePlugin, z } from '../../../core/plugin.ts'
import { Audit } from '../../../plugins/audit/api.ts'
import { bootAdmin } from '../admin/support.ts'

// Threads are started.
setDefaultTimeout(60_000)

type At = Awaited<ReturnType<typeof bootAdmin>>
const command = (name: string, args: Record<string, unknown>) => (at: At) => at.runtime.commands().get(name)!.run(args)
const request = (path: string, json: object) => (at: At) => at.send(path, { json })
const patch = (plugin: string, section: object) => ({ patch: { plugins: { [plugin]: section } } })

const replacing: [what: string, action: string, change: (at: At) => unknown][] = [
  ['a restart of the store', 'plugins.restart', command('plugins.restart', { plugin: 'store' })],
  ['a restart of the audit log', 'plugins.restart', command('plugins.restart', { plugin: 'audit' })],
  ['another retention', 'config.apply', command('config.apply', patch('audit', { retention: '30d' }))],
  ['another size of the store', 'config.apply', command('config.apply', patch('store', { maxSize: '2GiB' }))],
  ['a restart of the store by the API', 'plugins.restart', request('/admin/plugins/store/restart', {})],
  ['a restart of the audit log by the API', 'plugins.restart', request('/admin/plugins/audit/restart', {})],
  [
    'another size of the store by the API',
    'config.apply',
    request('/admin/config/apply', patch('store', { maxSize: '2GiB' })),
  ],
]
test.each(replacing)('%s', async (_, action, change) => {
  await using at = await bootAdmin()
  const before = at.runtime.service(Audit)
  await change(at)
  const audit = at.runtime.service(Audit)
  expect(audit).not.toBe(before)
  const [outcome, begun] = await audit.page({ limit: 2, action })
  expect(begun).toMatchObject({ action, outcome: 'begun' })
  expect(outcome).toMatchObject({ action, outcome: 'ok', of: begun!.seq })
  expect(at.lines.filter(({ message }) => message.includes('the outcome of a change'))).toEqual([])
  expect(await audit.verify()).toMatchObject({ ok: true })
})

/** Starts after the audit log, and not with every configuration. */
const lamp = definePlugin({
  api: 1,
  name: 'lamp',
  version: '1.0.0',
  summary: 'Shines.',
  config: z.strictObject({ watts: z.number().default(1).describe('Power.') }),
  needs: { audit: Audit },
  setup: ({ config }) => ({
    start() {
      if (config.watts > 1) throw new Error('the fuse has blown')
    },
  }),
})

test('a change that is refused, after the audit log was rebuilt, has its outcome on record', async () => {
  await using at = await bootAdmin({ plugins: [lamp], config: { plugins: { lamp: {} } } })
  const before = at.runtime.service(Audit)
  const refused = { audit: { retention: '30d' }, lamp: { watts: 2 } }
  const run = async () => command('config.apply', { patch: { plugins: refused } })(at)
  expect(await run().catch(({ code }) => code)).toBe('RELOAD_FAILED')
  const audit = at.runtime.service(Audit)
  expect(audit).not.toBe(before)
  const [outcome, begun] = await audit.page({ limit: 2, action: 'config.apply' })
  expect(outcome).toMatchObject({ outcome: 'RELOAD_FAILED', of: begun!.seq })
})

test('a change while the audit log is replaced, or after it stopped, is refused: nothing would record it', async () => {
  let running = true
  let met: unknown[] = []
  /** Runs a change while its audit log has stopped. */
  const probe = definePlugin({
    api: 1,
    name: 'probe',
    version: '1.0.0',
    summary: 'Makes changes in between.',
    config: z.strictObject({}),
    needs: { audit: Audit },
    setup: () => {
      const change = async () => {
        const pause = () => command('pause', {})(at) as Promise<unknown>
        const status = () => command('status', {})(at) as Promise<unknown>
        met = await Promise.all([pause().catch(({ code }) => code), status().then(() => 'read')])
      }
      return { start: () => (running ? undefined : change()) }
    },
  })
  await using at = await bootAdmin({ plugins: [probe], config: { plugins: { probe: {} } } })
  running = false
  await command('plugins.restart', { plugin: 'audit' })(at)
  expect(met).toEqual(['RELOAD_BUSY', 'read'])
  expect(at.runtime.status().paused).toBe(false)
  await command('pause', {})(at)
  const audit = at.runtime.service(Audit)
  expect((await audit.page({ limit: 9, action: 'pause' })).map(({ outcome }) => outcome)).toEqual(['ok', 'begun'])
  await at.stop()
  expect(await Promise.resolve(command('resume', {})(at)).catch(({ code }) => code)).toBe('RELOAD_BUSY')
})
