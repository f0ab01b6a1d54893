/** The pools of a configuration by name. */
import type { Clock, Logger, RunState } from '../../core/plugin.ts'
import type { ForeignStatus, Pool, Pools, Watched } from './api.ts'
import type { PoolConfig, PoolSection } from './config.ts'
import { bunDriver } from './drivers/bun.ts'
import type { SqlDriver } from './drivers/driver.ts'
import { postgresDriver } from './drivers/postgres.ts'
import { poolError } from './errors.ts'
import { ForeignPool } from './foreign/foreign-pool.ts'
import { isPgPool, pgCounts, watchPgPool } from './foreign/pg-pool.ts'
import { isSqlClient, sqlCounts, watchSqlClient } from './foreign/sql-client.ts'
import { openInTime } from './lending/connector.ts'
import type { PoolSettings } from './lending/pool-options.ts'
import { SqlPool } from './sql-pool.ts'
import { stateReason } from './watch/server-watch.ts'

const plain = (url: string): string => url.replace(/^(\w+)\+\w+:/, '$1:')

/** @returns why there is nothing to do, undefined where there is */
export function unconfiguredReason({ url, pools }: PoolConfig): string | undefined {
  for (const each of [url, ...Object.values(pools).map((pool) => pool.url)])
    if (each !== '' && !/^postgres(ql)?(\+\w+)?:\/\//i.test(each)) return 'url is not one of PostgreSQL'
  const empty = Object.entries(pools).find(([, pool]) => pool.url === '')
  if (url !== '' && empty !== undefined) return `the url of pools.${empty[0]} is empty`
  return url === '' ? 'url is empty' : undefined
}

const sectionsOf = ({ pools, requestContext: _, ...first }: PoolConfig): [string, PoolSection][] =>
  Object.entries({ default: first, ...pools })

const settingsOf = (section: PoolSection): PoolSettings => ({
  ...section,
  breakerFailures: 3,
  backOff: { firstMs: 200, maxMs: 5_000 },
})

/** Whether the next section needs other connections. */
const isElsewhere = (before: PoolSection, after: PoolSection): boolean =>
  (['url', 'driver', 'statementTimeout', 'connectTimeout'] as const).some((key) => before[key] !== after[key])

interface Member {
  readonly pool: SqlPool
  section: PoolSection
  driver: SqlDriver
  readonly forget: () => void
}

const drainMs = 3_000
const maxWatched = 100

export class NamedPools implements Pools {
  private readonly members = new Map<string, Member>()
  private readonly watched = new Map<string, { readonly pool: ForeignPool; readonly stop: () => void }>()
  private reported = ''

  /** @param opened called with each pool; its result is called when that pool is removed */
  constructor(
    private config: PoolConfig,
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly opened: (pool: SqlPool | ForeignPool) => () => void = () => () => {},
    private readonly report: (state: RunState, reason?: string) => void = () => {},
  ) {}

  get names(): readonly string[] {
    return [...this.members.keys()]
  }

  private get own(): readonly SqlPool[] {
    return [...this.members.values()].map(({ pool }) => pool)
  }

  /** All pools, those of applications included. */
  get all(): readonly (SqlPool | ForeignPool)[] {
    return [...this.own, ...[...this.watched.values()].map(({ pool }) => pool)]
  }

  /** @throws POOL_UNKNOWN */
  find(name: string): SqlPool | ForeignPool {
    return this.watched.get(name)?.pool ?? (this.get(name) as SqlPool)
  }

  get(name = 'default'): Pool {
    const member = this.members.get(name)
    if (member !== undefined) return member.pool
    if (this.watched.has(name)) throw poolError('POOL_NOT_OWNED', { pool: name })
    throw poolError('POOL_UNKNOWN', { pool: name, known: this.names.join(', ') })
  }

  watch<T>(name: string, client: T): Watched<T> {
    const refused = (reason: string) => poolError('POOL_WATCH_REFUSED', { pool: name, reason })
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw refused('its name is not in lower_snake_case')
    if (this.members.has(name) || this.watched.has(name)) throw refused('there is another one of that name')
    if (this.watched.size >= maxWatched) throw refused(`${maxWatched} are watched already`)
    const { clock, log } = this
    const watch = { name, clock, log, settings: this.config }
    const foreign = (driver: ForeignStatus['driver'], counts: ConstructorParameters<typeof ForeignPool>[1]) =>
      new ForeignPool({ ...watch, driver }, counts)
    if (isPgPool(client)) {
      const pool = foreign('pg', pgCounts(client))
      return this.show(pool, client, watchPgPool(client, pool))
    }
    if (!isSqlClient(client)) throw refused('the client is not one of a known kind')
    const pool = foreign(client.options.adapter === undefined ? 'postgres' : 'bun', sqlCounts(client))
    return this.show(pool, watchSqlClient(client, pool) as T, () => {})
  }

  private show<T>(pool: ForeignPool, client: T, undo: () => void): Watched<T> {
    const forget = this.opened(pool)
    const stop = () => {
      if (this.watched.get(pool.name)?.pool !== pool) return
      this.watched.delete(pool.name)
      undo()
      forget()
    }
    this.watched.set(pool.name, { pool, stop })
    return { client, status: pool.status, holders: pool.holders, stop }
  }

  async start(): Promise<void> {
    for (const [name, section] of sectionsOf(this.config)) this.add(name, section, await this.driverOf(name, section))
    this.clock.every(1_000, () => {
      for (const pool of this.all) pool.housekeep()
      for (const { server } of this.own) server.housekeep()
      this.reportState()
    })
    await Promise.all([...this.members.values()].map(({ pool, section }) => this.firstConnection(pool, section)))
    this.reportState()
  }

  /** Reports the pools that are not `ok`, each with its reason. */
  reportState(): void {
    const reasons = this.own.flatMap(({ name, server }) => {
      const reason = stateReason(server.state())
      return reason === undefined ? [] : `pool ${name}: ${reason}`
    })
    const reason = reasons.join('; ')
    if (reason === this.reported) return
    this.reported = reason
    this.report(reason === '' ? 'ok' : 'degraded', reason)
  }

  async stop(): Promise<void> {
    for (const { stop } of [...this.watched.values()]) stop()
    for (const { forget } of this.members.values()) forget()
    await Promise.all(this.own.map((pool) => pool.drain(drainMs)))
  }

  /**
   * Takes other limits in place. Another server must answer first; then connections are renewed as they come back, and
   * neither borrowers nor holders are disturbed.
   * @param next has a url: without one the plugin is disabled
   * @throws (rejects) POOL_UNAVAILABLE, POOL_NEEDS_RESTART: nothing has changed then
   */
  async reconfigure(next: PoolConfig): Promise<void> {
    if (next.requestContext !== this.config.requestContext)
      throw poolError('POOL_NEEDS_RESTART', { option: 'requestContext' })
    const wanted = new Map(sectionsOf(next))
    const drivers = new Map<string, SqlDriver>()
    for (const [name, section] of wanted) {
      const before = this.members.get(name)
      const isKept = before !== undefined && !isElsewhere(before.section, section)
      const driver = isKept ? before.driver : await this.driverOf(name, section)
      if (!isKept) await this.tryOut(name, driver, section)
      drivers.set(name, driver)
    }
    for (const [name, section] of wanted) {
      const driver = drivers.get(name)!
      const member = this.members.get(name)
      if (member === undefined) this.add(name, section, driver)
      else {
        Object.assign(member, { section, driver })
        member.pool.reconfigure({ driver, driverName: section.driver, settings: settingsOf(section) })
      }
    }
    for (const [name, { pool, forget }] of this.members) {
      if (wanted.has(name)) continue
      this.members.delete(name)
      forget()
      void pool.drain(drainMs)
    }
    this.config = next
  }

  private add(name: string, section: PoolSection, driver: SqlDriver): void {
    const { clock, log } = this
    const pool = new SqlPool({ name, clock, log, driver, driverName: section.driver, settings: settingsOf(section) })
    this.members.set(name, { pool, section, driver, forget: this.opened(pool) })
  }

  private driverOf(name: string, section: PoolSection): Promise<SqlDriver> {
    const options = { ...section, url: plain(section.url), applicationName: `arkwatch-${name}` }
    return section.driver === 'bun' ? bunDriver(options) : postgresDriver(options)
  }

  /** Opens one connection and closes it. */
  private async tryOut(name: string, driver: SqlDriver, { connectTimeout }: PoolSection): Promise<void> {
    try {
      const open = (signal: AbortSignal) => driver.open(() => {}, signal)
      const connection = await openInTime(open, connectTimeout, this.clock)
      connection.close()
    } catch (thrown) {
      throw poolError('POOL_UNAVAILABLE', { pool: name, reason: (thrown as Error).message }, thrown)
    }
  }

  private async firstConnection(pool: SqlPool, { startup, startupTimeout }: PoolSection): Promise<void> {
    if (startup === 'lazy') return
    const untilMs = this.clock.monotonic() + (startup === 'wait' ? startupTimeout : 0)
    for (;;) {
      try {
        return await pool.main.probe()
      } catch (thrown) {
        if (this.clock.monotonic() >= untilMs) throw thrown
        await this.clock.sleep(100)
      }
    }
  }
}
