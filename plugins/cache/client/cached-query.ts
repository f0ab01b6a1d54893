/** Cached rows of SQL statements. */
import type { Pool } from '../../pool/api.ts'
import type { Cache, LoadOptions } from '../api.ts'
import { cacheError } from '../errors.ts'
import { stableKey } from '../keys.ts'

/** Runs a statement: a pool, or any object with the same `query`. */
export type Queries = Pick<Pool, 'query'> & { readonly name?: string }

export type CachedQuery = <T = Record<string, unknown>>(
  text: string,
  parameters?: readonly unknown[],
  options?: LoadOptions,
) => Promise<T[]>

const changes =
  /\b(insert|update|delete|merge|truncate|nextval|setval)\b|\bfor\s+(no\s+key\s+|key\s+)?(update|share)\b/i

/** @returns the first word of a statement that must not be cached, or undefined */
export function refusedVerb(text: string): string | undefined {
  const bare = text.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g, ' ')
  const verb = /[a-z]+/i.exec(bare)?.[0] ?? 'nothing'
  return /^(select|values|table|with)$/i.test(verb) && !changes.test(bare) ? undefined : verb
}

/** Accepts a service, or a function that returns the service in force: a reload may replace a service. */
const current = <T extends object>(given: T | (() => T)): (() => T) =>
  typeof given === 'function' ? (given as () => T) : () => given

/**
 * Makes a function that runs a reading statement and caches its rows, by text and parameters. The rows are a plain
 * array: `count` and `command` of the driver are not kept. A statement is repeated once where its connection is lost.
 * @param cache the cache, or a function that is called at each call
 * @param pool the pool, or a function that is called at each call and survives a restart of the plugin `pool`
 * @param options for every statement; the options of a call are merged over them
 * @throws (the call) CACHE_QUERY_REFUSED for a statement that changes or locks, what the pool and the cache throw
 */
export function cachedQuery(
  cache: Cache | (() => Cache),
  pool: Queries | (() => Queries),
  options: LoadOptions = {},
): CachedQuery {
  const [cacheNow, poolNow] = [current(cache), current(pool)]
  return async <T>(text: string, parameters: readonly unknown[] = [], own: LoadOptions = {}) => {
    const verb = refusedVerb(text)
    if (verb !== undefined) throw cacheError('CACHE_QUERY_REFUSED', { verb })
    const key = `sql:${poolNow().name ?? ''}:${stableKey(text, parameters)}`
    const load = async () => [...(await poolNow().query<T>(text, parameters, { idempotent: true }))]
    return cacheNow().getOrSet(key, load, { ...options, ...own })
  }
}
