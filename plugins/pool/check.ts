/** The health check of a pool. */
import type { CheckResult, HealthCheck } from '../health/api.ts'
import type { SqlPool } from './sql-pool.ts'
import { stateReason } from './watch/server-watch.ts'

export const poolCheckName = (pool: string): string => `pool.${pool}`

/** Asks the server, and shows the state of the pool. */
export const poolCheck = (pool: SqlPool): HealthCheck => ({
  name: poolCheckName(pool.name),
  kind: 'pool',
  everyMs: 10_000,
  timeoutMs: 6_000,
  async run(): Promise<CheckResult> {
    const unanswered = await pool.server.ask()
    const status = pool.status()
    const { state, active, idle, waiting, max, oldestWaitMs } = status
    const details = { active, idle, waiting, max }
    const message = stateReason(status)
    if (message !== undefined) return { status: state === 'paused' ? 'degraded' : 'down', message, details }
    if (unanswered !== undefined)
      return { status: 'degraded', message: `no connection for health and admin: ${unanswered}`, details }
    if (active < max || waiting === 0) return { status: 'up', details }
    const longest = Math.round(oldestWaitMs)
    return { status: 'degraded', message: `exhausted: ${waiting} wait, the oldest for ${longest} ms`, details }
  },
})
