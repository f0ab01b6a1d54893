/** Published as `arkwatch/cache`. */
export * from './api.ts'
export * from './client.ts'
