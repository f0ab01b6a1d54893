/** Values that a schema calls secret, though their names do not: on record they are hidden, whoever sent them. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { controlCommand, definePlugin, secret, z } from '../../../core/plugin.ts'
import { Audit } from '../../../plugins/audit/api.ts'
import { catalog } from '../../../plugins/catalog.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'

// The audit log is a real file in a real store.
setDefaultTimeout(30_000)

const canary = 'c4n4ry'
const fields = {
  pin: secret().optional(),
  thing: secret().optional(),
  list: z.array(secret()).default([]),
  map: z.record(z.string(), z.union([secret(), z.number()])).default({}),
  open: z.string().default('').describe('Shown.'),
}
const place = definePlugin({
  ...{ api: 1, name: 'place', version: '1.0.0', summary: 'Made for tests.' },
  config: z.strictObject(fields),
  setup: () => ({
    contributes: [
      controlCommand({ name: 'place.set', args: z.strictObject(fields), changes: () => true, run: () => 'set' }),
    ],
  }),
})
const secrets = { pin: canary, thing: canary, list: [`${canary}1`], map: { k: `${canary}2` }, open: 'shown' }
const commands: Readonly<Record<string, readonly [string, Record<string, unknown>, string, string]>> = {
  'a change of a plugin': ['config.apply', { patch: { plugins: { place: secrets } } }, 'ok', 'shown'],
  'a change that is refused': [
    'config.apply',
    { patch: { plugins: { place: { ...secrets, typo: canary } } } },
    'CONFIG_INVALID',
    'shown',
  ],
  'a change of an unknown setting': [
    'config.apply',
    { patch: { thing: canary, server: { key: [canary] } } },
    'CONFIG_INVALID',
    'patch',
  ],
  'a change of an unknown plugin': [
    'config.apply',
    { patch: { plugins: { other: secrets } } },
    'CONFIG_INVALID',
    'other',
  ],
  'a change of a plugin that is off': [
    'config.apply',
    { patch: { plugins: { pool: { typo: canary } } } },
    'CONFIG_INVALID',
    'pool',
  ],
  'a command of a plugin': ['place.set', secrets, 'ok', 'shown'],
}

test.each(Object.entries(commands))('%s', async (_, [name, args, outcome, shown]) => {
  await using booted = await testRuntime({
    catalog,
    plugins: [place],
    config: { plugins: { store: {}, audit: {}, place: {} } },
  })
  const run = async () => booted.runtime.commands().get(name)!.run(args)
  await run().catch(() => {})
  const records = await booted.runtime.service(Audit).page({ limit: 100 })
  expect(records.map((record) => record.outcome)).toEqual([outcome, 'begun'])
  expect(JSON.stringify(records)).not.toContain(canary)
  expect(JSON.stringify(records)).toContain(shown)
  // The fingerprint of what was hidden before would be the same for all secrets.
  expect(JSON.stringify(records)).not.toContain('hmac-')
})
