/** The error codes of the cache. */
import { defineErrors } from '../../core/plugin.ts'

export const cacheError = defineErrors('cache', {
  CACHE_LOAD_TIMEOUT: {
    status: 503,
    message: 'the loader of {key} took longer than {timeoutMs} ms',
    help: 'Its result is kept when it comes. Raise `hardTimeoutMs`, or see why the source is slow.',
  },
  CACHE_BUSY: {
    status: 503,
    message: 'the cache has {limit} loads under way already',
    help: 'The source is too slow for what is asked of it. Raise `plugins.cache.maxLoads` only if it can take more.',
  },
  CACHE_TIME_INVALID: {
    message: '{option} is {value}, expected milliseconds, 0 or more',
    help: 'Give a number of milliseconds; 0 as `ttlMs` keeps nothing.',
  },
  CACHE_QUERY_REFUSED: {
    message: 'a statement that begins with {verb} cannot be cached',
    help: 'Cache only what reads: SELECT, VALUES, TABLE, or WITH that changes nothing and locks nothing.',
  },
  CACHE_MISSING: {
    message: 'the method {name} is cached, and its object has no property `cache`',
    help: 'Give `@cached({ cache: () => cache })`, or give the object a property `cache`.',
  },
  CACHE_KEY_INVALID: {
    message: 'no key can be made of {what}',
    help: 'Make keys of plain values: strings, numbers, arrays, objects, Map, Set, Date; or give `key`. A namespace holds no `*`.',
  },
})
