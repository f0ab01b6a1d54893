/** PURE. The memory tier: S3-FIFO, bounded by entries and bytes. Knows no time: entries carry theirs. */

export interface Entry {
  readonly key: string
  readonly value: unknown
  readonly bytes: number
  readonly tags: readonly string[]
  /** Order of its load among invalidations. */
  readonly sequence: number
  readonly createdMs: number
  readonly freshUntilMs: number
  /** Set back by a failed load. */
  staleUntilMs: number
  /** No load before. */
  retryAtMs: number
  /** Counts uses up to 3. */
  uses: number
  readonly sampled: boolean
}

export interface TierLimits {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** @param value anything @returns a rough size in bytes; looks at 1,000 parts at most */
export function estimateBytes(value: unknown): number {
  let bytes = 0
  let parts = 0
  const stack = [value]
  while (stack.length > 0 && parts < 1_000) {
    const item = stack.pop()
    parts += 1
    if (typeof item === 'string') bytes += 16 + item.length * 2
    else if (item instanceof Uint8Array || item instanceof ArrayBuffer) bytes += 64 + item.byteLength
    else if (typeof item === 'object' && item !== null) {
      bytes += 32
      if (item instanceof Map) for (const pair of item) stack.push(pair[0], pair[1])
      else if (item instanceof Set) for (const one of item) stack.push(one)
      else for (const key in item) stack.push((item as Record<string, unknown>)[key])
    } else bytes += 8
  }
  return bytes + stack.length * 32
}

/** New entries stand in a small queue of a tenth; those used there move to the main one; keys just dropped are remembered. */
export class MemoryTier {
  bytes = 0
  evictions = 0
  private readonly small = new Map<string, Entry>()
  private readonly main = new Map<string, Entry>()
  private readonly ghosts = new Set<string>()

  constructor(private readonly limits: TierLimits) {}

  get size(): number {
    return this.small.size + this.main.size
  }

  get(key: string): Entry | undefined {
    const entry = this.main.get(key) ?? this.small.get(key)
    if (entry !== undefined && entry.uses < 3) entry.uses += 1
    return entry
  }

  /** @returns whether it was kept; an entry larger than the whole tier is not */
  set(entry: Entry): boolean {
    const old = this.main.get(entry.key) ?? this.small.get(entry.key)
    const inMain = this.main.has(entry.key) || this.ghosts.delete(entry.key)
    if (old !== undefined) {
      this.delete(entry.key)
      entry.uses = old.uses
    }
    if (entry.bytes > this.limits.maxBytes) return false
    while (this.size > 0 && (this.size >= this.limits.maxEntries || this.bytes + entry.bytes > this.limits.maxBytes))
      this.evict()
    ;(inMain ? this.main : this.small).set(entry.key, entry)
    this.bytes += entry.bytes
    return true
  }

  private evict(): void {
    const fromSmall = this.small.size > 0 && (this.main.size === 0 || this.small.size * 10 >= this.limits.maxEntries)
    for (const [key, entry] of fromSmall ? this.small : this.main) {
      if (entry.uses > (fromSmall ? 1 : 0)) {
        ;(fromSmall ? this.small : this.main).delete(key)
        entry.uses = fromSmall ? 0 : entry.uses - 1
        this.main.set(key, entry)
        if (fromSmall) return
        continue
      }
      this.delete(key)
      this.evictions += 1
      if (fromSmall) this.remember(key)
      return
    }
  }

  private remember(key: string): void {
    this.ghosts.add(key)
    if (this.ghosts.size <= this.limits.maxEntries) return
    for (const oldest of this.ghosts) {
      this.ghosts.delete(oldest)
      return
    }
  }

  delete(key: string): boolean {
    const entry = this.main.get(key) ?? this.small.get(key)
    if (entry === undefined) return false
    this.main.delete(key)
    this.small.delete(key)
    this.bytes -= entry.bytes
    return true
  }

  clear(): void {
    this.small.clear()
    this.main.clear()
    this.ghosts.clear()
    this.bytes = 0
  }

  *entries(): Iterable<Entry> {
    yield* this.main.values()
    yield* this.small.values()
  }
}
