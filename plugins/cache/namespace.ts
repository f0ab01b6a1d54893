/** A view of a cache in which every key begins with a prefix. Tags are shared. */
import type { Cache, CacheOptions, Loader, LoadOptions, WrapOptions } from './api.ts'
import { stableKey } from './keys.ts'

export class Namespace implements Cache {
  constructor(
    private readonly whole: Cache,
    private readonly prefix: string,
  ) {}
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
    const { key } = options
    const name = (...args: Args) =>
      this.prefix + (typeof key === 'function' ? key(...args) : `${key ?? fn.name}:${stableKey(...args)}`)
    return this.whole.wrap(fn, { ...options, key: name })
  }
  namespace(name: string): Cache {
    return new Namespace(this.whole, `${this.prefix}${name}:`)
  }
  invalidateTag(tag: string) {
    return this.whole.invalidateTag(tag)
  }
  clear(pattern = '*') {
    return this.whole.clear(this.prefix + pattern)
  }
  list(limit = 100) {
    return this.whole
      .list(Number.POSITIVE_INFINITY)
      .filter(({ key }) => key.startsWith(this.prefix))
      .slice(0, limit)
  }
  stats() {
    return this.whole.stats()
  }
  fullStats() {
    return this.whole.fullStats()
  }
}
