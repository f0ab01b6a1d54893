/**
 * PURE. The eviction policy S3-FIFO, bounded by entries and bytes. New items stand in a small queue of a twentieth; those used
 * there move to the main queue; keys that left the small queue unused are remembered, and come back into the main one.
 *
 * @see "FIFO queues are all you need for cache eviction", Yang et al., SOSP 2023
 */
import { Queue, type Queued } from './linked-queue.ts'

/** What the policy must know of an item. */
export interface Resident extends Queued {
  readonly key: string
  readonly bytes: number
  /** Uses since it stands where it stands, counted up to 3. */
  uses: number
  inMain: boolean
}

export interface Limits {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** Which limit took an item out. */
export type EvictionCause = 'entries' | 'bytes'

export class S3Fifo<T extends Resident> {
  bytes = 0
  private readonly items = new Map<string, T>()
  private readonly small = new Queue<T>()
  private readonly main = new Queue<T>()
  private readonly remembered = new Set<string>()

  constructor(
    public limits: Limits,
    private readonly onEvict: (item: T, cause: EvictionCause) => void = () => {},
  ) {}

  get size(): number {
    return this.items.size
  }

  /** Finds an item and counts the use. */
  get(key: string): T | undefined {
    const item = this.items.get(key)
    if (item !== undefined && item.uses < 3) item.uses += 1
    return item
  }

  /** Finds an item; counts as no use. */
  peek(key: string): T | undefined {
    return this.items.get(key)
  }

  /** @returns whether it was kept: an item larger than all the room is not, and the one of that key is gone then */
  set(item: T): boolean {
    const { key } = item
    const old = this.items.get(key)
    item.inMain = old?.inMain ?? this.remembered.delete(key)
    item.uses = old?.uses ?? 0
    if (old !== undefined) this.take(old)
    if (item.bytes > this.limits.maxBytes) return false
    this.shrink(1, item.bytes)
    this.items.set(key, item)
    this.queueOf(item).push(item)
    this.bytes += item.bytes
    return true
  }

  /** Evicts until so much more fits. */
  shrink(entries = 0, bytes = 0): void {
    const { maxEntries, maxBytes } = this.limits
    while (this.size > 0) {
      if (this.size + entries > maxEntries) this.evict('entries')
      else if (this.bytes + bytes > maxBytes) this.evict('bytes')
      else break
    }
  }

  /** @param remember it comes back into the main queue if it stood there @returns the item that is out */
  delete(key: string, remember = false): T | undefined {
    const item = this.items.get(key)
    if (item === undefined) return undefined
    this.take(item)
    if (remember && item.inMain) this.remember(key)
    return item
  }

  clear(): void {
    for (const item of this.items.values()) this.queueOf(item).remove(item)
    this.items.clear()
    this.remembered.clear()
    this.bytes = 0
  }

  values(): Iterable<T> {
    return this.items.values()
  }

  private queueOf(item: T): Queue<T> {
    return item.inMain ? this.main : this.small
  }

  private take(item: T): void {
    this.items.delete(item.key)
    this.queueOf(item).remove(item)
    this.bytes -= item.bytes
  }

  /** Takes one item out, or moves those that were used until one is out. */
  private evict(cause: EvictionCause): void {
    for (;;) {
      const fromSmall = this.main.head === undefined || this.small.size * 20 >= this.limits.maxEntries
      const item = (fromSmall ? (this.small.head ?? this.main.head) : this.main.head)!
      if (item.uses === 0) {
        this.take(item)
        if (!item.inMain) this.remember(item.key)
        this.onEvict(item, cause)
        return
      }
      this.queueOf(item).remove(item)
      item.uses = item.inMain ? item.uses - 1 : 0
      item.inMain = true
      this.main.push(item)
    }
  }

  private remember(key: string): void {
    this.remembered.add(key)
    if (this.remembered.size <= this.limits.maxEntries) return
    for (const oldest of this.remembered) {
      this.remembered.delete(oldest)
      return
    }
  }
}
