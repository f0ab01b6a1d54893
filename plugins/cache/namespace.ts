/** A view of a cache that adds a prefix to every key. Tags are shared with the cache. */
import type { Cache, CacheEntryInfo, CacheOptions, Loader, LoadOptions, WrapOptions } from './api.ts'
import { cacheError } from './errors.ts'
import { keyOfCall } from './keys.ts'

/** The cache behind the view, which can list by prefix. */
type Whole = Cache & { list(limit?: number, prefix?: string): readonly CacheEntryInfo[] }

export class Namespace implements Cache {
  private readonly prefix: string

  /** @param name no `*`, which the patterns of `clear` would expand @throws CACHE_KEY_INVALID */
  constructor(
    private readonly whole: Whole,
    name: string,
  ) {
    if (name.includes('*')) throw cacheError('CACHE_KEY_INVALID', { what: `a namespace with a star, ${name}` })
    this.prefix = `${name}:`
  }
  get<T>(key: string) {
    return this.whole.get<T>(this.prefix + key)
  }
  mget<T>(keys: readonly string[]) {
    return this.whole.mget<T>(keys.map((key) => this.prefix + key))
  }
  set(key: string, value: unknown, options?: CacheOptions) {
    return this.whole.set(this.prefix + key, value, options)
  }
  delete(key: string) {
    return this.whole.delete(this.prefix + key)
  }
  getOrSet<T>(key: string, loader: Loader<T>, options?: LoadOptions) {
    return this.whole.getOrSet(this.prefix + key, loader, options)
  }
  wrap<Args extends unknown[], T>(fn: (...args: Args) => T | Promise<T>, options: WrapOptions<Args> = {}) {
    const keyOf = keyOfCall(options.key, fn.name)
    return this.whole.wrap(fn, { ...options, key: (...args: Args) => this.prefix + keyOf(...args) })
  }
  namespace(name: string): Cache {
    return new Namespace(this.whole, this.prefix + name)
  }
  invalidateTag(tag: string) {
    return this.whole.invalidateTag(tag)
  }
  clear(pattern = '*') {
    return this.whole.clear(this.prefix + pattern)
  }
  list(limit?: number) {
    return this.whole.list(limit, this.prefix)
  }
  nowMs() {
    return this.whole.nowMs()
  }
  stats() {
    return this.whole.stats()
  }
  fullStats() {
    return this.whole.fullStats()
  }
}
