/** PURE. Which errors of PostgreSQL say "not now". */

/** Serialization failure, deadlock, too many connections, shutting down, crashed, starting up. */
const transientStates: ReadonlySet<unknown> = new Set(['40001', '40P01', '53300', '57P01', '57P02', '57P03'])

/**
 * Whether the server itself refused now what it may do later: 503 for a request that fails of it.
 * @param thrown anything; errors of PostgreSQL carry SQLSTATE as `code`
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const isTransient = (thrown: unknown): boolean =>
  transientStates.has(((thrown ?? {}) as { code?: unknown }).code)
