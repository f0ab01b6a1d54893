/** Published as `arkwatch/pool`. */
export * from './api.ts'
export { isTransient } from './transient.ts'
