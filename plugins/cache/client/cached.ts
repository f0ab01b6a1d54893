/** The decorator for methods. */
import type { Cache, WrapOptions } from '../api.ts'
import { cacheError } from '../errors.ts'

export interface CachedOptions<Args extends unknown[]> extends WrapOptions<Args> {
  /** Returns the cache, at each call. @default the object's own property `cache` */
  readonly cache?: () => Cache
}

/**
 * Caches the results of a method, for all objects of its class together: `@cached({ ttlMs: 1_000 })`. The key is
 * `Class.method` and the arguments; give `key` where two classes have one name, or where results depend on the object.
 * @throws (the call) CACHE_MISSING
 */
export function cached<Args extends unknown[], T>({ cache, ...options }: CachedOptions<Args> = {}) {
  return (
    method: (...args: Args) => Promise<T>,
    context: ClassMethodDecoratorContext,
  ): ((...args: Args) => Promise<T>) => {
    const name = String(context.name)
    return async function (this: unknown, ...args: Args): Promise<T> {
      const self = this as { constructor: { name: string }; cache?: Cache }
      const owner = typeof this === 'function' ? this.name : self.constructor.name
      const held = cache?.() ?? self.cache
      if (held === undefined) throw cacheError('CACHE_MISSING', { name: `${owner}.${name}` })
      const call = (...inner: Args) => method.apply(this as never, inner)
      return held.wrap(call, { key: `${owner}.${name}`, ...options })(...args)
    }
  }
}
