/** Every control command of core and of the catalog, with every argument that the command does not take. */
import { expect, test } from 'bun:test'
import { systemClock, type z } from '../../core/plugin.ts'
import { Audit } from '../../plugins/audit/api.ts'
import { catalog } from '../../plugins/catalog.ts'
import { testRuntime } from '../../testing/test-runtime.ts'

/** Arguments with which the commands that need some are not refused. */
const sound: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'config.plan': { patch: {} },
  'config.apply': { patch: {}, confirmWithinMs: 60_000 },
  'plugins.restart': { plugin: 'health' },
  'keys.create': { name: 'k', role: 'viewer' },
  'keys.revoke': { id: 'k' },
  'jobs.show': { id: 'j' },
  'jobs.cancel': { id: 'j' },
  'pool.explain': { fingerprint: '0123456789abcdef' },
  'logs.level': { logger: 'app', level: 'info' },
}
const hostile = [true, 0, -1, 0.5, 1e308, '', '60s\n', 'x'.repeat(1_000), [], ['health'], {}, { id: 'x' }, null]
/** Hostile values that an argument of the name takes. */
const taken: Readonly<Record<string, readonly string[]>> = {
  patch: ['{}', '{"id":"x"}'],
  scopes: ['[]', '["health"]'],
  expiresInDays: ['0.5'],
  level: ['null'],
  after: ['0'],
  before: ['0'],
  // Plugins and pools are looked up by name.
  plugin: ['""', '"60s\\n"', JSON.stringify('x'.repeat(1_000))],
  pool: ['""', '"60s\\n"', JSON.stringify('x'.repeat(1_000))],
}
const texts = new Set(['id', 'logger', 'principal', 'action', 'contains'])
const isTaken = (name: string, value: unknown) =>
  taken[name]?.includes(JSON.stringify(value)) === true || (texts.has(name) && value === '60s\n')

test('a control command does nothing with an argument of another name, type or range', async () => {
  await using booted = await testRuntime({
    clock: systemClock,
    catalog,
    config: {
      server: { port: 0 },
      plugins: {
        ...Object.fromEntries(Object.keys(catalog).map((name) => [name, {}])),
        logging: { console: { enabled: false } },
        redis: { url: 'redis://127.0.0.1:1' },
        pool: { url: 'postgres://nobody@127.0.0.1:1/none' },
      },
    },
  })
  const commands = [...booted.runtime.commands().values()]
  expect(commands.length).toBeGreaterThan(30)
  const audit = booted.runtime.service(Audit)
  const latest = async () => (await audit.page({ limit: 1 }))[0]?.seq
  const before = await latest()
  const accepted: unknown[] = []
  for (const { name, args: schema, run } of commands) {
    if (schema === undefined) {
      accepted.push(`${name} declares no arguments`)
      continue
    }
    const own = sound[name] ?? {}
    expect(schema.safeParse(own), name).toMatchObject({ success: true })
    const ofOthers = { confirm_within_seconds: 60, unknown: undefined, constructor: 1 }
    const wrong: Record<string, unknown>[] = Object.entries(ofOthers).map(([key, value]) => ({ ...own, [key]: value }))
    wrong.push(JSON.parse(`{ "__proto__": 1, ${JSON.stringify(own).slice(1)}`.replace(', }', '}')))
    const required = Object.keys(own).filter((key) => !(schema.shape[key] as z.ZodType).safeParse(undefined).success)
    wrong.push(...required.map((key) => ({ ...own, [key]: undefined })))
    for (const key of Object.keys(schema.shape))
      for (const value of hostile) if (!isTaken(key, value)) wrong.push({ ...own, [key]: value })
    for (const args of wrong) {
      const code = await Promise.resolve(run(args)).then(
        () => 'ok',
        (error) => error.code,
      )
      if (code !== 'CONTROL_BAD_REQUEST') accepted.push([name, args, code])
    }
  }
  expect(accepted).toEqual([])
  expect(await latest()).toBe(before)
  expect(booted.runtime.changes.history).toEqual([])
})
