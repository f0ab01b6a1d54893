/** The connections of a pool by state, and their numbers. */
import { lifetimeMs, silenceMs } from './back-off.ts'
import type { EntryState, PoolConnection, PoolEntry } from './lease.ts'
import type { CloseReason, PoolSettings } from './pool-options.ts'

export class PoolEntries<C extends PoolConnection> {
  /** A stack: the connection used last is lent first, so that surplus connections stay idle until they are closed. */
  private readonly idle: PoolEntry<C>[] = []
  private readonly all = new Set<PoolEntry<C>>()
  private held = 0

  constructor(private readonly onClosed: (reason: CloseReason) => void) {}

  get total(): number {
    return this.all.size
  }

  get active(): number {
    return this.held
  }

  get spare(): number {
    return this.idle.length
  }

  get checking(): number {
    return this.all.size - this.held - this.idle.length
  }

  counts(nowMs: number, validateAfterMs: number) {
    const silent = this.idle.filter(({ aliveMs }) => nowMs - aliveMs >= validateAfterMs).length
    return { total: this.total, active: this.active, idle: this.spare, silent, checking: this.checking }
  }

  /** Begins in state `checking`. @param random 0-1 */
  add(connection: C, nowMs: number, maxLifetimeMs: number, random: () => number = Math.random): PoolEntry<C> {
    const entry: PoolEntry<C> = {
      connection,
      expiresMs: nowMs + lifetimeMs(maxLifetimeMs, random()),
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
    if (entry.state === 'held') this.held -= 1
    if (state === 'held') this.held += 1
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
    const { idleTimeoutMs, minIdle, keepaliveMs } = settings
    for (const entry of [...this.idle]) {
      const isSpare = this.idle.length > minIdle
      if (nowMs >= entry.expiresMs) this.close(entry, 'lifetime')
      else if (isSpare && idleTimeoutMs > 0 && nowMs - entry.idleSinceMs >= idleTimeoutMs) this.close(entry, 'idle')
      else if (keepaliveMs > 0 && nowMs - entry.aliveMs >= silenceMs(keepaliveMs, entry.jitter)) {
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
