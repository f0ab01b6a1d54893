/** The Redis tier. Fails open: without Redis the memory tier works alone. */
import { outsideRequests } from '../../../core/plugin.ts'
import type { StoredEntry } from '../entry-times.ts'
import { InvalidationBus } from './invalidation-bus.ts'
import { LoadLock } from './load-lock.ts'
import { RedisGuard } from './redis-guard.ts'
import { RedisNames, type RedisTierOptions, tagKeepMs, tombstoneMs } from './redis-parts.ts'
import { keepScript, markScript, putScript, runScript } from './scripts.ts'
import { decode, encode } from './serializer.ts'

export interface Found {
  /** Undefined where Redis has no entry of the key, or one with an invalidated tag. */
  readonly entry?: StoredEntry | undefined
  /** Time of the clock of invalidations; undefined: a value loaded after this lookup is not kept in Redis. */
  readonly mark?: Uint8Array | string | undefined
  /** When the lookup began, by the monotonic clock. */
  readonly atMs: number
}

interface PendingRead {
  readonly key: string
  readonly resolve: (found: Found) => void
}

/** Keys in one command at most. */
const keysPerCommand = 200

export class RedisTier {
  private reading = 0
  readonly bus: InvalidationBus
  readonly guard: RedisGuard
  readonly lock: LoadLock
  private readonly names: RedisNames
  private pending: PendingRead[] = []

  constructor(private readonly options: RedisTierOptions) {
    const { redis, clock, counts, settings } = options
    this.names = new RedisNames(settings)
    this.guard = new RedisGuard(redis, clock, counts)
    const parts = { ...options, guard: this.guard, names: this.names }
    this.bus = new InvalidationBus(parts)
    this.lock = new LoadLock(parts)
  }

  /** Waits for a first probe of Redis, one command timeout at most. A second call applies the config in force. */
  async start(): Promise<void> {
    const flush = async () => void (await this.bus.flush())
    this.bus.start(() => void this.guard.probe(flush))
    await this.guard.start(this.options.settings.config.redisPause, flush)
  }
  stop(): void {
    this.bus.stop()
    this.guard.stop()
  }

  /** Looks a key up. Keys of one turn of the microtasks share one command. */
  read(key: string): Promise<Found> {
    if (this.reading >= this.options.settings.config.maxLoads) {
      this.options.counts.redis_skipped += 1
      return Promise.resolve({ atMs: this.options.clock.monotonic() })
    }
    this.reading += 1
    const { promise, resolve } = Promise.withResolvers<Found>()
    if (this.pending.push({ key, resolve }) === 1) outsideRequests(() => queueMicrotask(() => this.readPending()))
    return promise
  }

  private readPending(): void {
    const { pending } = this
    this.pending = []
    for (let from = 0; from < pending.length; from += keysPerCommand) {
      const batch = pending.slice(from, from + keysPerCommand)
      void this.readBatch(batch).then(() => {
        this.reading -= batch.length
      })
    }
  }

  private async readBatch(batch: readonly PendingRead[]): Promise<void> {
    const { guard, bus, names, options } = this
    const atMs = options.clock.monotonic()
    const nothing = () => {
      for (const { resolve } of batch) resolve({ atMs })
    }
    // Nothing is read before Redis has the invalidations of this process.
    if (guard.isDown || (bus.waiting > 0 && !(await bus.flush()))) return nothing()
    const found = await guard.attempt((redis) =>
      redis.callBytes<(Uint8Array | null)[]>('MGET', ...batch.map(({ key }) => names.entry(key)), names.clock),
    )
    if (found === undefined) return nothing()
    const clock = found.value[batch.length]
    const decoded = batch.map((_, index) => this.decode(found.value[index]))
    const entries = decoded.some((entry) => entry?.tags.length) ? await this.withoutStale(decoded) : decoded
    const first = () => guard.attempt((redis) => runScript<string>(redis, markScript, [names.clock]))
    const mark = clock ?? (await first())?.value
    for (const [index, { resolve }] of batch.entries()) resolve({ entry: entries[index], mark, atMs })
  }

  private decode(bytes: Uint8Array | null | undefined): (StoredEntry & { at: number }) | undefined {
    if (!bytes) return undefined
    const entry = decode(bytes, this.guard.offsetMs, this.options.settings.config.maxEntrySize)
    if (entry === undefined) this.options.counts.poisoned += 1
    return entry
  }

  /** Replaces entries with undefined whose tag was invalidated after their load began. */
  private async withoutStale(entries: readonly ((StoredEntry & { at: number }) | undefined)[]) {
    const tags = [...new Set(entries.flatMap((entry) => entry?.tags ?? []))]
    const names = tags.map((tag) => this.names.tag(tag))
    const times = await this.guard.attempt((redis) => redis.call<(string | null)[]>('MGET', ...names))
    const invalidated = new Map(tags.map((tag, index) => [tag, Number(times?.value[index] ?? 0)]))
    return entries.map((entry) => {
      if (entry === undefined || entry.tags.length === 0) return entry
      if (times === undefined) return undefined
      return entry.tags.every((tag) => invalidated.get(tag)! <= entry.at) ? entry : undefined
    })
  }

  /** @returns bytes and milliseconds to live, or undefined for an entry that Redis cannot keep */
  private pack(entry: StoredEntry): { bytes: Uint8Array; ms: number } | undefined {
    const { clock } = this.options
    const { compressAbove, maxEntrySize } = this.options.settings.config
    const ms = Math.min(Math.ceil(entry.staleUntilMs - clock.now()), tagKeepMs)
    if (ms <= 0) return undefined
    try {
      const bytes = encode(entry, this.guard.offsetMs, compressAbove, maxEntrySize)
      if (bytes !== undefined) return { bytes, ms }
    } catch {}
    this.options.counts.unstorable += 1
    return undefined
  }

  /** Stores an entry that was loaded after the lookup, unless its key was invalidated since. */
  async keep(key: string, entry: StoredEntry, { mark, atMs }: Found): Promise<void> {
    const { names, guard, options } = this
    if (mark === undefined || guard.isDown || options.clock.monotonic() - atMs > tombstoneMs / 2) return
    const packed = this.pack(entry)
    if (packed === undefined) return
    const keys = [names.clock, names.floor, names.tombstone(key), names.entry(key)]
    await guard.attempt((redis) => runScript(redis, keepScript, keys, mark, packed.bytes, packed.ms))
  }

  /** Sets an entry and notifies the other processes. An entry that cannot be stored is removed. */
  async put(key: string, entry: StoredEntry): Promise<void> {
    const { names, guard, bus } = this
    const invalidation = ['key', key] as const
    const packed = this.pack(entry)
    if (packed === undefined) return void (await bus.send(invalidation))
    const keys = [names.clock, names.tombstone(key), names.entry(key)]
    const sent = [tombstoneMs, names.channel, bus.message(invalidation)]
    const done = await guard.attempt((redis) => runScript(redis, putScript, keys, ...sent, packed.bytes, packed.ms))
    if (done === undefined) bus.keepForLater(invalidation)
  }
}
