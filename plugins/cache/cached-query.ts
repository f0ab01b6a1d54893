/** Statements whose rows are cached. */
import type { Pool } from '../pool/api.ts'
import type { Cache, LoadOptions } from './api.ts'
import { cacheError } from './errors.ts'
import { stableKey } from './keys.ts'

/** What runs a statement: a pool, or anything with its `query`. */
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

/**
 * Makes a function that runs a reading statement once and caches its rows, by its text and parameters. The rows are a
 * plain array: `count` and `command` of the driver are not kept.
 * @param cache gives the cache, at each call
 * @param options for every statement; those of a call are laid over them
 * @throws (the call) CACHE_QUERY_REFUSED for a statement that changes or locks, what the pool and the cache throw
 */
export function cachedQuery(cache: () => Cache, pool: Queries, options: LoadOptions = {}): CachedQuery {
  return async <T>(text: string, parameters: readonly unknown[] = [], own: LoadOptions = {}) => {
    const verb = refusedVerb(text)
    if (verb !== undefined) throw cacheError('CACHE_QUERY_REFUSED', { verb })
    const key = `sql:${pool.name ?? ''}:${stableKey(text, parameters)}`
    return cache().getOrSet(key, async () => [...(await pool.query<T>(text, parameters))], { ...options, ...own })
  }
}
