/** The health check of a pool. */
import type { HealthCheck } from '../health/api.ts'
import type { Pool } from './api.ts'

export const poolCheckName = (pool: string): string => `pool.${pool}`

/** Asks the server through the lane that stays free when the pool is exhausted. Down only when it failed twice. */
export const poolCheck = (pool: Pool): HealthCheck => ({
  name: poolCheckName(pool.name),
  kind: 'pool',
  everyMs: 10_000,
  timeoutMs: 5_000,
  failureThreshold: 2,
  async run(signal) {
    await pool.query('SELECT 1', [], { lane: 'reserve', signal })
    const { active, idle, waiting, max, oldestWaitMs } = pool.status()
    const details = { active, idle, waiting, max }
    if (active < max || waiting === 0) return { status: 'up', details }
    return {
      status: 'degraded',
      message: `exhausted: ${waiting} wait, the oldest for ${Math.round(oldestWaitMs)} ms`,
      details,
    }
  },
})
