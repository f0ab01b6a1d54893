/** The connections of a pool by state, and their numbers. */
import type { PoolConnection, Slot, SlotState } from './lease.ts'
import type { CloseReason } from './pool-options.ts'

export class Slots<C extends PoolConnection> {
  /** The one used last is on top, so that those not needed grow old. */
  readonly idle: Slot<C>[] = []
  private readonly all = new Set<Slot<C>>()
  private held = 0
  private nextId = 1

  constructor(private readonly onClosed: (reason: CloseReason) => void) {}

  get total(): number {
    return this.all.size
  }

  get active(): number {
    return this.held
  }

  get checking(): number {
    return this.all.size - this.held - this.idle.length
  }

  list(): Slot<C>[] {
    return [...this.all]
  }

  /** Begins in state `checking`. */
  add(connection: C, nowMs: number, expiresMs: number, jitter: number): Slot<C> {
    const times = { createdMs: nowMs, expiresMs, aliveMs: nowMs, idleSinceMs: nowMs, jitter }
    const slot: Slot<C> = { id: this.nextId++, connection, ...times, state: 'checking', evicted: false }
    this.all.add(slot)
    return slot
  }

  to(slot: Slot<C>, state: SlotState): void {
    if (slot.state === 'held') this.held -= 1
    if (state === 'held') this.held += 1
    slot.state = state
  }

  /** The idle connection used last. Those past their lifetime are closed on the way. */
  takeIdle(nowMs: number): Slot<C> | undefined {
    for (let slot = this.idle.pop(); slot !== undefined; slot = this.idle.pop()) {
      if (nowMs < slot.expiresMs) return slot
      this.close(slot, 'lifetime')
    }
    return undefined
  }

  putIdle(slot: Slot<C>, nowMs: number): void {
    slot.idleSinceMs = nowMs
    this.to(slot, 'idle')
    this.idle.push(slot)
  }

  removeIdle(slot: Slot<C>): void {
    const at = this.idle.indexOf(slot)
    if (at >= 0) this.idle.splice(at, 1)
  }

  close(slot: Slot<C>, reason: CloseReason): void {
    if (slot.state === 'closed') return
    this.removeIdle(slot)
    this.to(slot, 'closed')
    this.all.delete(slot)
    slot.connection.close()
    this.onClosed(reason)
  }
}
