/** The pools of a configuration by name. */
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Pool, Pools } from './api.ts'
import type { PoolConfig, PoolEntry } from './config.ts'
import { bunDriver } from './drivers/bun.ts'
import { postgresDriver } from './drivers/postgres.ts'
import { poolError } from './errors.ts'
import { SqlPool } from './sql-pool.ts'

const plain = (url: string): string => url.replace(/^(\w+)\+\w+:/, '$1:')

/** @returns why there is nothing to do, undefined where there is */
export function unconfiguredReason({ url, pools }: PoolConfig): string | undefined {
  for (const each of [url, ...Object.values(pools).map((pool) => pool.url)])
    if (each !== '' && !/^postgres(ql)?(\+\w+)?:\/\//i.test(each)) return 'url is not one of PostgreSQL'
  const empty = Object.entries(pools).find(([, pool]) => pool.url === '')
  if (url !== '' && empty !== undefined) return `the url of pools.${empty[0]} is empty`
  return url === '' ? 'url is empty' : undefined
}

export class NamedPools implements Pools {
  readonly all = new Map<string, SqlPool>()

  constructor(
    private readonly config: PoolConfig,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  get names(): readonly string[] {
    return [...this.all.keys()]
  }

  get(name = 'default'): Pool {
    const pool = this.all.get(name)
    if (pool === undefined) throw poolError('POOL_UNKNOWN', { pool: name, known: this.names.join(', ') })
    return pool
  }

  async start(): Promise<void> {
    const { pools, ...first } = this.config
    for (const [name, entry] of Object.entries({ default: first, ...pools }))
      this.all.set(name, await this.open(name, entry))
    this.clock.every(1_000, () => {
      for (const pool of this.all.values()) pool.housekeep()
    })
  }

  async stop(): Promise<void> {
    await Promise.all([...this.all.values()].map((pool) => pool.drain(3_000)))
  }

  private async open(name: string, entry: PoolEntry): Promise<SqlPool> {
    const { clock, log } = this
    const connectTimeoutMs = entry.connectTimeout
    const statementTimeoutMs = entry.statementTimeout
    const options = { url: plain(entry.url), applicationName: `arkwatch-${name}`, connectTimeoutMs, statementTimeoutMs }
    const driver = await (entry.driver === 'bun' ? bunDriver(options) : postgresDriver(options))
    const settings = {
      size: entry.size,
      maxOverflow: entry.maxOverflow,
      minIdle: entry.minIdle,
      acquireTimeoutMs: entry.acquireTimeout,
      idleTimeoutMs: entry.idleTimeout,
      maxLifetimeMs: entry.maxLifetime,
      keepaliveMs: entry.keepalive,
      validateAfterMs: entry.validateAfter,
      validationTimeoutMs: entry.validationTimeout,
      connectTimeoutMs,
      maxWaiting: entry.maxWaiting,
      breakerFailures: 3,
      backOff: { firstMs: 200, maxMs: 5_000 },
    }
    const watch = { name, clock, log, leakThresholdMs: entry.leakThreshold, slowStatementMs: entry.slowStatement }
    return new SqlPool({ ...watch, driver, driverName: entry.driver, settings, statementTimeoutMs })
  }
}
