/** PURE. Cache keys from values: equal values give equal keys. */
import { cacheError } from './errors.ts'

const maxLength = 200

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function canonical(value: unknown, above: readonly unknown[]): string {
  if (value === undefined) return 'undefined'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value)
  if (typeof value === 'function' || typeof value === 'symbol')
    throw cacheError('CACHE_KEY_INVALID', { what: `a ${typeof value}` })
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (above.includes(value)) throw cacheError('CACHE_KEY_INVALID', { what: 'a value that contains itself' })
  const path = [...above, value]
  const each = (items: Iterable<unknown>) => [...items].map((item) => canonical(item, path))
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof RegExp || value instanceof URL)
    return `${value.constructor.name}(${JSON.stringify(String(value))})`
  if (value instanceof Uint8Array) return `Bytes(${value.toHex()})`
  if (value instanceof Map) {
    const pairs = [...value].map(([key, item]) => `${canonical(key, path)}:${canonical(item, path)}`)
    return `Map(${pairs.sort(byText).join()})`
  }
  if (value instanceof Set) return `Set(${each(value).sort(byText).join()})`
  if (Array.isArray(value)) return `[${each(value).join()}]`
  const fields = Object.entries(value).filter(([, item]) => item !== undefined)
  return `{${fields
    .sort(([a], [b]) => byText(a, b))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item, path)}`)
    .join()}}`
}

/**
 * @param parts values; the order of properties, and of the items of Map and Set, is ignored
 * @returns a text, hashed above 200 characters
 * @throws CACHE_KEY_INVALID for functions, symbols and values that contain themselves
 */
export function stableKey(...parts: readonly unknown[]): string {
  const text = parts.map((part) => (typeof part === 'string' ? JSON.stringify(part) : canonical(part, []))).join()
  return text.length <= maxLength ? text : `sha256:${new Bun.CryptoHasher('sha256').update(text).digest('hex')}`
}

/**
 * @param key a name, or a function that makes the key @default the function's name
 * @returns a function from arguments to the key of the call
 * @throws CACHE_KEY_INVALID for a function without a name
 */
export function keyOfCall<Args extends unknown[]>(
  key: string | ((...args: Args) => string) | undefined,
  name: string,
): (...args: Args) => string {
  if (typeof key === 'function') return key
  const first = key ?? name
  if (first === '') throw cacheError('CACHE_KEY_INVALID', { what: 'a function without a name' })
  return (...args) => `${first}:${stableKey(...args)}`
}

/** @param pattern `*` matches any text @returns whether a key matches */
export function matcher(pattern: string): (key: string) => boolean {
  if (pattern === '*') return () => true
  const source = pattern
    .split(/\*+/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^]*')
  const regex = new RegExp(`^${source}$`)
  return (key) => regex.test(key)
}
