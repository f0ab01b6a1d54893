/** PURE. The common part of the SQL kinds: the url's dialect, and the verdict over connections and replication. */
import type { CheckResult } from '../api.ts'
import { type ConfigOf, percent, worst } from './kind.ts'

/** @returns the kind that a url's scheme means, `mysql+pymysql://` and the like included; undefined for any other */
export function databaseOf(url: string): 'postgres' | 'mysql' | undefined {
  const scheme = /^([a-z0-9]+)(?:\+[a-z0-9_]+)?:\/\//i.exec(url)?.[1]?.toLowerCase()
  if (scheme === 'postgres' || scheme === 'postgresql') return 'postgres'
  return scheme === 'mysql' || scheme === 'mariadb' ? 'mysql' : undefined
}

/** @returns the url without the driver in its scheme, `mysql+pymysql://` as `mysql://` */
export const plainUrl = (url: string): string => url.replace(/^([a-z0-9]+)\+[a-z0-9_]+:\/\//i, '$1://')

/** The facts that a server reports; undefined where the server does not report one. */
export interface SqlFacts {
  readonly latencyMs: number
  readonly connectionsUsed: number | undefined
  readonly connectionsMax: number | undefined
  readonly role: 'primary' | 'replica' | undefined
  /** Seconds behind the primary, of a replica; of the slowest replica, on a primary that has any. */
  readonly lagSeconds: number | undefined
  readonly replicas: number | undefined
  /** Why a replica does not replicate. */
  readonly replicationError?: string | undefined
}

type SqlLimits = Pick<ConfigOf<'postgres'>, 'connectionsDegradedAbove' | 'lagDegradedAbove'>

/** @returns up or degraded with the facts as details; for a server that has answered */
export function evaluateSql(facts: SqlFacts, limits: SqlLimits): CheckResult {
  const { connectionsUsed: used, connectionsMax: max, lagSeconds, replicas, role } = facts
  const share = used !== undefined && max !== undefined && max > 0 ? used / max : undefined
  const verdict = worst(
    share !== undefined &&
      share > limits.connectionsDegradedAbove && {
        status: 'degraded',
        message: `${used} of ${max} connections in use, over ${percent(limits.connectionsDegradedAbove)}`,
      },
    facts.replicationError !== undefined && { status: 'degraded', message: `replication: ${facts.replicationError}` },
    lagSeconds !== undefined &&
      lagSeconds * 1_000 > limits.lagDegradedAbove && {
        status: 'degraded',
        message: `replication lag ${lagSeconds.toFixed(1)} s, over ${limits.lagDegradedAbove / 1_000} s`,
      },
  )
  return {
    ...verdict,
    latencyMs: facts.latencyMs,
    details: {
      ...(used !== undefined && { connectionsUsed: used }),
      ...(max !== undefined && { connectionsMax: max }),
      ...(role !== undefined && { role }),
      ...(replicas !== undefined && replicas > 0 && { replicas }),
      ...(lagSeconds !== undefined && { replicationLagSeconds: Math.round(lagSeconds * 1_000) / 1_000 }),
    },
  }
}
