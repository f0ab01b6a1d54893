/** Plans of statements. None is ever run: EXPLAIN without ANALYZE, in a READ ONLY transaction, on the reserve. */
import { messageOf } from '../../../core/plugin.ts'
import type { Pool, Session } from '../api.ts'
import { poolError } from '../errors.ts'
import { type StatementRow, withoutLiterals } from './fingerprint.ts'

const bareOf = (text: string) => text.trim().replace(/;\s*$/, '')

/** PURE. @returns why not; undefined where it may */
export function explainProblem(text: string): string | undefined {
  const bare = bareOf(text)
  if (!/^select\b/i.test(bare)) return 'it is not a SELECT'
  if (bare.includes(';')) return 'it may hold more than one statement'
  if (/\bfor\s+(no\s+key\s+)?(update|share|key)\b|\binto\b/i.test(bare)) return 'it locks or writes'
  return undefined
}

/** PURE. The same for a statement that the pool ran, which may write, since its plan does not. */
export function sampleProblem(text: string | undefined): string | undefined {
  if (text === undefined) return 'its text is not known, since its template is made of parts'
  const bare = bareOf(text)
  if (!/^(select|insert|update|delete|with|values|merge)\b/i.test(bare)) return 'a statement of this kind has no plan'
  if (bare.includes(';')) return 'it may hold more than one statement'
  return undefined
}

export function parameterCount(text: string): number {
  const bare = text.replace(/'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
  return [...bare.matchAll(/\$(\d+)/g)].reduce((most, [, digits]) => Math.max(most, Number(digits)), 0)
}

/** PURE. A plan without the literals that stand in its conditions. */
export function withoutValues(plan: unknown): unknown {
  if (typeof plan === 'string') return withoutLiterals(plan)
  if (Array.isArray(plan)) return plan.map(withoutValues)
  if (typeof plan !== 'object' || plan === null) return plan
  return Object.fromEntries(Object.entries(plan).map(([key, value]) => [key, withoutValues(value)]))
}

type Database = Pick<Pool, 'begin'>
const planOf = (rows: readonly Record<string, unknown>[]): unknown => {
  const plan = rows[0]?.['QUERY PLAN']
  return typeof plan === 'string' ? JSON.parse(plan) : plan
}
const reading = <T>(pool: Database, work: (tx: Session) => Promise<T>): Promise<T> =>
  pool.begin(work, { readOnly: true, lane: 'reserve', timeoutMs: 5_000 })

/** @throws (rejects) POOL_EXPLAIN_REFUSED, what `begin` throws */
export async function explainSelect(pool: Database, text: string, parameters: readonly unknown[]): Promise<unknown> {
  const reason = explainProblem(text)
  if (reason !== undefined) throw poolError('POOL_EXPLAIN_REFUSED', { reason })
  return await reading(pool, async (tx) => planOf(await tx.query(`EXPLAIN (FORMAT JSON) ${text}`, parameters)))
}

/**
 * The generic plan, for any values: that of a prepared statement under `plan_cache_mode = force_generic_plan`, which
 * all servers since PostgreSQL 12 have (`EXPLAIN (GENERIC_PLAN)` came with 16).
 * @throws (rejects) POOL_EXPLAIN_REFUSED, what `begin` throws
 */
export async function explainSample(pool: Database, { id, sample }: StatementRow): Promise<unknown> {
  const reason = sampleProblem(sample)
  if (reason !== undefined || sample === undefined) throw poolError('POOL_EXPLAIN_REFUSED', { reason })
  const name = `arkwatch_${id}`
  const nulls = Array.from({ length: parameterCount(sample) }, () => 'NULL').join(', ')
  return await reading(pool, async (tx) => {
    await tx.query("SET LOCAL plan_cache_mode = 'force_generic_plan'")
    await tx.query("SET LOCAL statement_timeout = '5s'")
    try {
      await tx.query(`PREPARE ${name} AS ${bareOf(sample)}`)
    } catch (thrown) {
      throw poolError('POOL_EXPLAIN_REFUSED', { reason: withoutLiterals(messageOf(thrown)) }, thrown)
    }
    try {
      const plan = planOf(await tx.query(`EXPLAIN (FORMAT JSON) EXECUTE ${name}${nulls === '' ? '' : `(${nulls})`}`))
      return withoutValues(plan)
    } finally {
      await tx.query(`DEALLOCATE ${name}`).catch(() => {})
    }
  })
}
