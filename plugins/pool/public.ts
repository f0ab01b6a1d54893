/** Published as `arkwatch/pool`. */
export * from './api.ts'

/** Serialization failure, deadlock, too many connections, shutting down, crashed, starting up. */
const transientStates: ReadonlySet<unknown> = new Set(['40001', '40P01', '53300', '57P01', '57P02', '57P03'])

/**
 * Whether the server refused a statement that may succeed later: status 503 for a request that fails with the error.
 * @param thrown anything; errors of PostgreSQL carry SQLSTATE as `code`
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const isTransient = (thrown: unknown): boolean =>
  transientStates.has(((thrown ?? {}) as { code?: unknown }).code)
