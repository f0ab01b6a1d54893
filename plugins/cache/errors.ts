/** The error codes of the cache. */
import { defineErrors } from '../../core/errors.ts'

export const cacheError = defineErrors({
  CACHE_LOAD_TIMEOUT: {
    message: 'the loader of {key} took longer than {timeoutMs} ms',
    help: 'Its result is kept when it comes. Raise `hardTimeoutMs`, or see why the source is slow.',
  },
  CACHE_BUSY: {
    message: 'the cache has {limit} loads under way already',
    help: 'The source is too slow for what is asked of it. Raise `plugins.cache.maxLoads` only if it can take more.',
  },
  CACHE_KEY_INVALID: {
    message: 'no key can be made of {what}',
    help: 'Make keys of plain values: strings, numbers, arrays, objects, Map, Set, Date; or give `key`.',
  },
})
