/** Connections that a test holds in its hand. */

import { ConnectionPool } from '../../../plugins/pool/lending/connection-pool.ts'
import type { PoolConnection } from '../../../plugins/pool/lending/lease.ts'
import type { PoolSettings } from '../../../plugins/pool/lending/pool-options.ts'
import { testClock } from '../../../testing/test-clock.ts'

export const defaults: PoolSettings = {
  size: 2,
  maxOverflow: 1,
  minIdle: 0,
  acquireTimeout: 1_000,
  idleTimeout: 60_000,
  maxLifetime: 600_000,
  keepalive: 0,
  validateAfter: 1_000_000,
  validationTimeout: 500,
  connectTimeout: 2_000,
  statementTimeout: 0,
  cancelTimeout: 5_000,
  leakThreshold: 0,
  slowStatement: 0,
  maxWaiting: 100,
  breakerFailures: 3,
  backOff: { firstMs: 100, maxMs: 1_000 },
}

export interface HeldConnection extends PoolConnection {
  closed: boolean
  pings: number
  /** As if the server had ended it. */
  die(): void
}

/** A pool over connections that open at once, unless `server` says otherwise. */
export function handPool(settings: Partial<PoolSettings> = {}, random: () => number = () => 0) {
  const clock = testClock()
  const server = { up: true, hangs: false, pingFails: false }
  const connections: HeldConnection[] = []
  const closes: string[] = []
  const pool = new ConnectionPool<HeldConnection>({
    name: 'test',
    settings: { ...defaults, ...settings },
    clock,
    random,
    events: { closed: (reason) => closes.push(reason) },
    async connect(onClosed) {
      if (server.hangs) await new Promise(() => {})
      if (!server.up) throw new Error('refused')
      const connection: HeldConnection = {
        pid: connections.length + 1,
        closed: false,
        pings: 0,
        async ping() {
          connection.pings += 1
          if (server.pingFails) throw new Error('no answer')
        },
        close() {
          connection.closed = true
        },
        die() {
          connection.closed = true
          onClosed()
        },
      }
      connections.push(connection)
      return connection
    },
  })
  return { pool, clock, server, connections, closes }
}
