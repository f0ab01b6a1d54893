/** PURE. The sections outside the plugins: those that a reload may change, and those that need a restart. */
import { coreError } from '../contract/errors.ts'
import type { RuntimeConfig } from './types.ts'

/** Sections that outlive every generation: the data lock, the environment of the plugins, the pool of threads. */
const fixedSections = ['environment', 'dataDir', 'workers'] as const

type Changeable = Pick<RuntimeConfig, 'environment' | 'dataDir' | 'workers' | 'server'>

const addressOf = ({ server }: Changeable) => server && [server.host, server.port]
const limitsOf = ({ server }: Changeable) => server && [server.maxBodyBytes, server.maxUrlLength]

/**
 * @returns whether the listener moves to another host or port, is opened or is closed
 * @throws RELOAD_NEEDS_RESTART, naming every section that only a restart can change
 */
export function listenerMoves(before: Changeable, next: Changeable): boolean {
  const fixed: string[] = fixedSections.filter((key) => !Bun.deepEquals(next[key], before[key]))
  const moves = !Bun.deepEquals(addressOf(next), addressOf(before))
  if (!moves && !Bun.deepEquals(limitsOf(next), limitsOf(before))) fixed.push('server.limits')
  if (fixed.length > 0) throw coreError('RELOAD_NEEDS_RESTART', { sections: fixed.join(', ') })
  return moves
}
