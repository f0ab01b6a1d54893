/** The decorator of methods. */
import type { Cache, WrapOptions } from './api.ts'

/**
 * Caches the results of a method, for all instances of its class together: `@cached(() => cache, { ttlMs: 1_000 })`.
 * @param cache gives the cache when the method is first called
 */
export function cached<Args extends unknown[], T>(cache: () => Cache, options: WrapOptions<Args> = {}) {
  return (
    method: (...args: Args) => Promise<T>,
    context: ClassMethodDecoratorContext,
  ): ((...args: Args) => Promise<T>) => {
    const name = String(context.name)
    return function (this: unknown, ...args: Args) {
      const call = Object.defineProperty((...inner: Args) => method.apply(this as never, inner), 'name', {
        value: name,
      })
      return cache().wrap(call, options)(...args)
    }
  }
}
