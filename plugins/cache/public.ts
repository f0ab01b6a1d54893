/** Published as `arkwatch/cache`: the service, the decorator, cached queries, and the middleware for HTTP answers. */
export * from './api.ts'
export { cached } from './client/cached.ts'
export { type CachedQuery, cachedQuery } from './client/cached-query.ts'
export { httpCache } from './client/http-cache.ts'
export { stableKey } from './keys.ts'
