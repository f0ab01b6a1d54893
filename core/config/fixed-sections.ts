/** PURE. The sections outside the plugins: those that a reload may change, and those that need a restart. */
import { coreError } from '../contract/errors.ts'
import type { PlanStep } from '../contract/runtime-api.ts'
import type { RuntimeConfig, ServerConfig } from './types.ts'

/** Sections that outlive every generation: the data lock, the environment of the plugins, the pool of threads. */
const fixedSections = { environment: 'environment', data: 'dataDir', workers: 'workers' } as const

type Changeable = Pick<RuntimeConfig, 'environment' | 'dataDir' | 'workers' | 'server'>

const addressOf = (server: ServerConfig | undefined) => server && [server.host, server.port]
const limitsOf = (server: ServerConfig | undefined) => server && [server.maxBodyBytes, server.maxUrlLength]
const shown = ({ host, port }: ServerConfig) => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** @returns the step of the public listener; `reconfigure` leaves the port open @throws RELOAD_NEEDS_RESTART */
export function planListener(before: Changeable, next: Changeable): PlanStep | undefined {
  const fixed: string[] = Object.entries(fixedSections).flatMap(([section, key]) =>
    Bun.deepEquals(next[key], before[key]) ? [] : [section],
  )
  const { server: old } = before
  const { server } = next
  const moves = !Bun.deepEquals(addressOf(server), addressOf(old))
  if (!moves && !Bun.deepEquals(limitsOf(server), limitsOf(old))) fixed.push('server.limits')
  if (fixed.length > 0) throw coreError('RELOAD_NEEDS_RESTART', { sections: fixed.join(', ') })
  const step = (action: PlanStep['action'], reason: string) =>
    ({ plugin: 'server', action, reason, state: 'none' }) as const
  if (old === undefined) return server && step('add', `the listener opens ${shown(server)}`)
  if (server === undefined) return step('remove', `the listener closes ${shown(old)}`)
  if (moves) return step('replace', `the listener moves from ${shown(old)} to ${shown(server)}`)
  return Bun.deepEquals(server, old) ? undefined : step('reconfigure', 'drainDelay or drainTimeout changed')
}
