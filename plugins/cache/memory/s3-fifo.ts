/**
 * PURE. The eviction policy S3-FIFO, bounded by entries and bytes. A new item enters the small queue, 1/20 of all
 * entries. An item that was used there moves to the main queue. The key of an item that leaves the queue unused is
 * remembered: the next item of that key enters the main queue.
 *
 * @see "FIFO queues are all you need for cache eviction", Yang et al., SOSP 2023
 */

/** An item of the policy, in one queue at a time. */
export interface Resident {
  previous: this | undefined
  next: this | undefined
  readonly key: string
  readonly bytes: number
  /** Uses since the item entered its queue, counted up to 3. */
  uses: number
  inMain: boolean
}

export interface Limits {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** The limit that evicted an item. */
export type EvictionCause = 'entries' | 'bytes'

/** A queue with removal from anywhere in constant time: a doubly linked list through the items. */
class Queue<T extends Resident> {
  size = 0
  /** The oldest item. */
  head: T | undefined
  private tail: T | undefined

  push(item: T): void {
    item.previous = this.tail
    item.next = undefined
    if (this.tail === undefined) this.head = item
    else this.tail.next = item
    this.tail = item
    this.size += 1
  }

  /** @param item an item of this queue */
  remove(item: T): void {
    if (item.previous === undefined) this.head = item.next
    else item.previous.next = item.next
    if (item.next === undefined) this.tail = item.previous
    else item.next.previous = item.previous
    item.previous = undefined
    item.next = undefined
    this.size -= 1
  }
}

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

  /** Finds an item without counting a use. */
  peek(key: string): T | undefined {
    return this.items.get(key)
  }

  /** Replaces the item of the key. @returns whether the item was kept: one larger than `maxBytes` is not */
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

  /** Evicts until more items and bytes fit. @param entries @param bytes that must fit */
  shrink(entries = 0, bytes = 0): void {
    const { maxEntries, maxBytes } = this.limits
    while (this.size > 0) {
      if (this.size + entries > maxEntries) this.evict('entries')
      else if (this.bytes + bytes > maxBytes) this.evict('bytes')
      else break
    }
  }

  /** @param remember an item of the main queue will come back there @returns the removed item */
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

  /** Evicts one item; used items on the way move to the end of the main queue. */
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
    if (this.remembered.size > this.limits.maxEntries) this.remembered.delete(this.remembered.values().next().value!)
  }
}
