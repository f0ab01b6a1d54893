/** A view of a cache that adds a prefix to every key. Tags are shared with the cache. */
import type { Cache, CacheEntryInfo } from './api.ts'
import { cacheError } from './errors.ts'
import { keyOfCall } from './keys.ts'

/** The cache behind the view, which can list by prefix. */
type Whole = Cache & { list(limit?: number, prefix?: string): readonly CacheEntryInfo[] }

/** @param name no `*`, which the patterns of `clear` would expand @throws CACHE_KEY_INVALID */
export function namespaceOf(whole: Whole, name: string): Cache {
  if (name.includes('*')) throw cacheError('CACHE_KEY_INVALID', { what: `a namespace with a star, ${name}` })
  const prefix = `${name}:`
  return {
    get: (key) => whole.get(prefix + key),
    mget: (keys) => whole.mget(keys.map((key) => prefix + key)),
    set: (key, value, options) => whole.set(prefix + key, value, options),
    delete: (key) => whole.delete(prefix + key),
    getOrSet: (key, loader, options) => whole.getOrSet(prefix + key, loader, options),
    wrap(fn, options = {}) {
      const keyOf = keyOfCall(options.key, fn.name)
      return whole.wrap(fn, { ...options, key: (...args) => prefix + keyOf(...args) })
    },
    namespace: (inner) => namespaceOf(whole, prefix + inner),
    invalidateTag: (tag) => whole.invalidateTag(tag),
    clear: (pattern = '*') => whole.clear(prefix + pattern),
    list: (limit) => whole.list(limit, prefix),
    nowMs: () => whole.nowMs(),
    stats: () => whole.stats(),
    fullStats: () => whole.fullStats(),
  }
}
