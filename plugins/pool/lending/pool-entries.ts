/** The connections of a pool by state, and their numbers. */
import type { EntryState, PoolConnection, PoolEntry } from './lease.ts'
import type { CloseReason, PoolSettings } from './pool-options.ts'

/**
 * How long an idle connection may be silent before it is asked: up to 10 % less than `keepalive`.
 * @see HikariCP `HikariPool.createPoolEntry`
 */
const silenceMs = (keepalive: number, random: number): number => keepalive - keepalive * 0.1 * random

/**
 * When a connection is too old: up to 2.5 % before its lifetime, so that not all are renewed together.
 * @see HikariCP `HikariPool.createPoolEntry`
 * @returns milliseconds, Infinity for a lifetime of 0
 */
export const lifetimeMs = (maxLifetime: number, random: number): number =>
  maxLifetime === 0 ? Number.POSITIVE_INFINITY : maxLifetime - maxLifetime * 0.025 * random

export class PoolEntries<C extends PoolConnection> {
  /** A stack: the connection used last is lent first, so that surplus connections stay idle until they are closed. */
  private readonly idle: PoolEntry<C>[] = []
  private readonly all = new Set<PoolEntry<C>>()

  active = 0

  constructor(private readonly onClosed: (reason: CloseReason) => void) {}

  get total(): number {
    return this.all.size
  }

  get spare(): number {
    return this.idle.length
  }

  get checking(): number {
    return this.all.size - this.active - this.idle.length
  }

  counts(nowMs: number, validateAfter: number) {
    const silent = this.idle.filter(({ aliveMs }) => nowMs - aliveMs >= validateAfter).length
    return { total: this.total, active: this.active, idle: this.spare, silent, checking: this.checking }
  }

  /** Begins in state `checking`. @param random 0-1 */
  add(connection: C, nowMs: number, maxLifetime: number, random: () => number = Math.random): PoolEntry<C> {
    const entry: PoolEntry<C> = {
      connection,
      expiresMs: nowMs + lifetimeMs(maxLifetime, random()),
      aliveMs: nowMs,
      idleSinceMs: nowMs,
      jitter: random(),
      state: 'checking',
      evicted: false,
    }
    this.all.add(entry)
    return entry
  }

  to(entry: PoolEntry<C>, state: EntryState): void {
    if (entry.state === 'held') this.active -= 1
    if (state === 'held') this.active += 1
    entry.state = state
  }

  /** The idle connection used last. Connections past their lifetime are closed meanwhile. */
  takeIdle(nowMs: number): PoolEntry<C> | undefined {
    for (let entry = this.idle.pop(); entry !== undefined; entry = this.idle.pop()) {
      if (nowMs < entry.expiresMs) return entry
      this.close(entry, 'lifetime')
    }
    return undefined
  }

  putIdle(entry: PoolEntry<C>, nowMs: number): void {
    entry.idleSinceMs = nowMs
    this.to(entry, 'idle')
    this.idle.push(entry)
  }

  /** Closes idle connections that are too old or idle for too long. @param check takes each silent one */
  housekeep(nowMs: number, settings: PoolSettings, check: (entry: PoolEntry<C>) => void): void {
    const { idleTimeout, minIdle, keepalive } = settings
    for (const entry of [...this.idle]) {
      const isSpare = this.idle.length > minIdle
      if (nowMs >= entry.expiresMs) this.close(entry, 'lifetime')
      else if (isSpare && idleTimeout > 0 && nowMs - entry.idleSinceMs >= idleTimeout) this.close(entry, 'idle')
      else if (keepalive > 0 && nowMs - entry.aliveMs >= silenceMs(keepalive, entry.jitter)) {
        this.removeIdle(entry)
        check(entry)
      }
    }
  }

  /** Closes idle connections and marks the others. @param pid only this backend's @returns the number of connections */
  evict(pid: number | undefined): number {
    const chosen = [...this.all].filter(({ connection }) => pid === undefined || connection.pid === pid)
    for (const entry of chosen) {
      entry.evicted = true
      if (entry.state === 'idle') this.close(entry, 'evicted')
    }
    return chosen.length
  }

  close(entry: PoolEntry<C>, reason: CloseReason): void {
    if (entry.state === 'closed') return
    this.removeIdle(entry)
    this.to(entry, 'closed')
    this.all.delete(entry)
    entry.connection.close()
    this.onClosed(reason)
  }

  closeAll(only: 'idle' | 'every'): void {
    for (const entry of only === 'idle' ? [...this.idle] : [...this.all]) this.close(entry, 'closed')
  }

  private removeIdle(entry: PoolEntry<C>): void {
    const at = this.idle.indexOf(entry)
    if (at >= 0) this.idle.splice(at, 1)
  }
}
