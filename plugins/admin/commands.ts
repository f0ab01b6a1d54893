/** The commands of the admin API on the control socket, whose owner needs no key. */
import { type Contribution, type ControlCommand, controlCommand, z } from '../../core/plugin.ts'
import type { Jobs } from './jobs.ts'
import { keyDays, newKeyFields } from './keys/key.ts'
import type { Keyring } from './keys/keyring.ts'

const dayMs = 86_400_000

const byId = z.strictObject({ id: z.string().min(1).max(128) })
const none = z.strictObject({})

export function adminCommands(keyring: () => Keyring, jobs: Jobs, now: () => number): Contribution<ControlCommand>[] {
  const always = () => true
  return [
    controlCommand({ name: 'keys.list', args: none, run: () => ({ keys: keyring().list() }) }),
    controlCommand({
      name: 'keys.create',
      args: z.strictObject({ ...newKeyFields, expiresInDays: keyDays }),
      changes: always,
      run: ({ expiresInDays: days, ...key }) =>
        keyring().create({ ...key, ...(days !== undefined && { expiresAtMs: Math.round(now() + days * dayMs) }) }),
    }),
    controlCommand({
      name: 'jobs.list',
      args: z.strictObject({ limit: z.int().min(1).max(200).default(50) }),
      run: async ({ limit }) => ({ jobs: await jobs.list(limit) }),
    }),
    controlCommand({ name: 'jobs.show', args: byId, run: ({ id }) => jobs.find(id) }),
    controlCommand({ name: 'jobs.cancel', args: byId, changes: always, run: ({ id }) => jobs.cancel(id) }),
    controlCommand({ name: 'keys.revoke', args: byId, changes: always, run: ({ id }) => keyring().revoke(id) }),
  ]
}
