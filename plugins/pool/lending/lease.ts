/** A lent connection and its borrower. */
import { join } from 'node:path'
import type { Route } from '../../../core/plugin.ts'

/** The code that asks for a connection. */
export interface Borrower {
  /** `query` ends by itself; the others hold the connection as long as their code likes. */
  readonly kind: 'query' | 'begin' | 'reserve' | 'internal'
  /** Of the request; known once the router has matched. */
  readonly route?: Route | undefined
  readonly requestId?: string | undefined
  /** Made where the connection was asked for; only its stack is read. */
  readonly where?: Error | undefined
  /** Leases that the borrower's own code already holds: none is released until the borrower gets this connection. */
  readonly blocks?: readonly Lease[] | undefined
}

export const routeName = (route: Route | undefined): string | undefined => route && `${route.method} ${route.pattern}`

/** The parts of a connection that the pool uses. */
export interface PoolConnection {
  /** Process id of the backend, 0 where it is not known. */
  readonly pid: number
  /** Asks the server for a sign of life. */
  ping(): Promise<void>
  /** Closes immediately. Never throws, safe twice. */
  close(): void
}

export type EntryState = 'idle' | 'held' | 'checking' | 'closed'

export interface PoolEntry<C extends PoolConnection = PoolConnection> {
  readonly connection: C
  readonly expiresMs: number
  state: EntryState
  /** When the server last answered, monotonic milliseconds. */
  aliveMs: number
  idleSinceMs: number
  /** 0-1, so that not all are asked for a sign of life together. */
  readonly jitter: number
  /** To be closed at its release. */
  evicted: boolean
}

export class Lease<C extends PoolConnection = PoolConnection> {
  /** Fingerprint of the last statement. */
  statement = ''
  /** Monotonic milliseconds; undefined while no statement runs. */
  statementSinceMs: number | undefined
  inTransaction = false
  /** The session may keep a setting, a lock, a cursor. */
  marked = false
  leaked = false
  released = false
  /** Its index in the list of its pool. */
  at = 0

  constructor(
    readonly entry: PoolEntry<C>,
    readonly borrower: Borrower,
    /** Monotonic milliseconds. */
    readonly sinceMs: number,
    readonly waitedMs: number,
  ) {}

  get connection(): C {
    return this.entry.connection
  }
}

const poolDirectory = join(import.meta.dir, '..', '/')

/** The frames of a stack without the first line and without the pool's own. */
export function framesOf(where: Error | undefined, limit = 12): readonly string[] {
  const lines = (where?.stack ?? '').split('\n').slice(1)
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.includes(poolDirectory))
    .slice(0, limit)
}
