/** What the CLI may ask of the admin API by the control socket: whoever owns the data folder needs no key. */
import { type ControlCommand, controlCommand } from '../../core/runtime-api.ts'
import type { Contribution } from '../../core/token.ts'
import type { Audit } from '../audit/api.ts'
import { type Role, roles } from './api.ts'
import { adminError } from './errors.ts'
import type { Jobs } from './jobs.ts'
import type { Keyring } from './keys/keyring.ts'

const dayMs = 86_400_000
const principal = { name: 'control-socket', role: 'admin' }

const roleOf = (value: unknown): Role => {
  if (roles.includes(value as Role)) return value as Role
  throw adminError('ADMIN_INVALID', { errors: [{ parameter: 'role', detail: `expected one of ${roles.join(', ')}` }] })
}

export function adminCommands(
  keyring: () => Keyring,
  jobs: Jobs,
  audit: Audit,
  now: () => number,
): Contribution<ControlCommand>[] {
  const onRecord = async <T>(action: string, target: string, work: () => Promise<T>): Promise<T> => {
    const settle = await audit.begin({ principal, action, target, from: 'local', requestId: 'control-socket' })
    try {
      const result = await work()
      await settle('ok')
      return result
    } catch (error) {
      await settle(String((error as { code?: string }).code ?? 'failed'))
      throw error
    }
  }
  return [
    controlCommand({ name: 'keys.list', run: () => ({ keys: keyring().list() }) }),
    controlCommand({
      name: 'keys.create',
      run: ({ name, role, scopes, expiresInDays }) =>
        onRecord('keys.create', String(name), () =>
          keyring().create({
            name: String(name),
            role: roleOf(role),
            scopes: Array.isArray(scopes) ? scopes.map(String) : [],
            ...(typeof expiresInDays === 'number' && { expiresAtMs: Math.round(now() + expiresInDays * dayMs) }),
          }),
        ),
    }),
    controlCommand({
      name: 'jobs.list',
      run: async ({ limit }) => ({ jobs: await jobs.list(Math.min(200, Math.max(1, Number(limit) || 50))) }),
    }),
    controlCommand({ name: 'jobs.show', run: ({ id }) => jobs.find(String(id)) }),
    controlCommand({
      name: 'jobs.cancel',
      run: ({ id }) => onRecord('jobs.cancel', String(id), () => jobs.cancel(String(id))),
    }),
    controlCommand({
      name: 'keys.revoke',
      run: ({ id }) => onRecord('keys.revoke', String(id), () => keyring().revoke(String(id))),
    }),
  ]
}
