import { defineErrors } from '../../core/plugin.ts'

export const cacheError = defineErrors('cache', {
  CACHE_LOAD_TIMEOUT: {
    status: 503,
    message: 'the loader of {key} took longer than {timeoutMs} ms',
    help: 'The load continues and its result is kept. Raise `hardTimeoutMs`, or find out why the source is slow.',
  },
  CACHE_BUSY: {
    status: 503,
    message: 'the cache already has {limit} loads in progress',
    help: 'The source is too slow for so many loads. Raise `plugins.cache.maxLoads` only if the source can take more.',
  },
  CACHE_TIME_INVALID: {
    message: '{option} is {value}, expected milliseconds, 0 or more',
    help: 'Give a number of milliseconds; with 0 as `ttlMs` the value is not kept.',
  },
  CACHE_QUERY_REFUSED: {
    message: 'a statement that begins with {verb} cannot be cached',
    help: 'Cache only statements that read: SELECT, VALUES, TABLE, or WITH that changes nothing and locks nothing.',
  },
  CACHE_MISSING: {
    message: 'the method {name} is cached, but its object has no property `cache`',
    help: 'Write `@cached({ cache: () => cache })`, or give the object a property `cache`.',
  },
  CACHE_KEY_INVALID: {
    message: '{what} cannot be part of a cache key',
    help: 'Use strings, numbers, arrays, objects, Map, Set, Date; or give `key`. The name of a namespace has no `*`.',
  },
})
