/** The commands of the admin API on the control socket, whose owner needs no key. */
import { type Contribution, type ControlCommand, controlCommand } from '../../core/plugin.ts'
import { type Role, roles } from './api.ts'
import { adminError } from './errors.ts'
import type { Jobs } from './jobs.ts'
import type { Keyring } from './keys/keyring.ts'

const dayMs = 86_400_000

const roleOf = (value: unknown): Role => {
  if (roles.includes(value as Role)) return value as Role
  throw adminError('ADMIN_INVALID', { errors: [{ parameter: 'role', detail: `expected one of ${roles.join(', ')}` }] })
}

export function adminCommands(keyring: () => Keyring, jobs: Jobs, now: () => number): Contribution<ControlCommand>[] {
  return [
    controlCommand({ name: 'keys.list', run: () => ({ keys: keyring().list() }) }),
    controlCommand({
      name: 'keys.create',
      changes: () => true,
      run: ({ name, role, scopes, expiresInDays }) =>
        keyring().create({
          name: String(name),
          role: roleOf(role),
          scopes: Array.isArray(scopes) ? scopes.map(String) : [],
          ...(typeof expiresInDays === 'number' && { expiresAtMs: Math.round(now() + expiresInDays * dayMs) }),
        }),
    }),
    controlCommand({
      name: 'jobs.list',
      run: async ({ limit }) => ({ jobs: await jobs.list(Math.min(200, Math.max(1, Number(limit) || 50))) }),
    }),
    controlCommand({ name: 'jobs.show', run: ({ id }) => jobs.find(String(id)) }),
    controlCommand({ name: 'jobs.cancel', changes: () => true, run: ({ id }) => jobs.cancel(String(id)) }),
    controlCommand({ name: 'keys.revoke', changes: () => true, run: ({ id }) => keyring().revoke(String(id)) }),
  ]
}
