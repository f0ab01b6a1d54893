/** Functions that applications use with a cache: the decorator, cached queries, and the middleware for HTTP answers. */
export { cached } from './client/cached.ts'
export { type CachedQuery, cachedQuery } from './client/cached-query.ts'
export { httpCache } from './client/http-cache.ts'
export { stableKey } from './keys.ts'
