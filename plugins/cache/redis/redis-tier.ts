/** The Redis tier. Fails open: memory goes on alone. */
import type { Clock } from '../../../core/plugin.ts'
import type { Redis } from '../../redis/api.ts'
import type { Settings } from '../config.ts'
import type { StoredEntry } from '../entry-times.ts'
import { type Invalidation, InvalidationBus } from './invalidation-bus.ts'
import { LoadLock } from './load-lock.ts'
import { RedisGuard } from './redis-guard.ts'
import { RedisNames, tagKeepMs, tombstoneMs } from './redis-names.ts'
import { keepScript, markScript, putScript, runScript } from './scripts.ts'
import { decode, encode } from './serializer.ts'

export interface RedisTierOptions {
  readonly redis: Redis
  readonly settings: Settings
  readonly clock: Clock
  /** Told what another process invalidated. */
  readonly onInvalidation: (invalidation: Invalidation) => void
}

/** What a look into Redis gave. */
export interface Found {
  /** Undefined where there is none that may be served. */
  readonly entry?: StoredEntry | undefined
  /** What the clock of invalidations said; undefined: what is loaded now is not kept in Redis. */
  readonly mark?: Uint8Array | string | undefined
  /** When it was looked, by the monotonic clock. */
  readonly atMs: number
}

interface Asked {
  readonly key: string
  readonly resolve: (found: Found) => void
}

/** Keys in one command at most. */
const keysACommand = 200

export class RedisTier {
  poisoned = 0
  /** Entries that are too large, or cannot be written down. */
  unstorable = 0
  /** Looks that were left out, since too many were under way. */
  skipped = 0
  private reading = 0
  readonly bus: InvalidationBus
  readonly guard: RedisGuard
  readonly lock: LoadLock
  private readonly names: RedisNames
  private asked: Asked[] = []

  constructor(private readonly options: RedisTierOptions) {
    const { redis, clock, settings, onInvalidation } = options
    this.names = new RedisNames(settings)
    this.guard = new RedisGuard(redis, clock)
    this.bus = new InvalidationBus({ redis, guard: this.guard, names: this.names, settings, onInvalidation })
    this.lock = new LoadLock({ guard: this.guard, names: this.names, settings, clock })
  }

  /** Called again, it takes up the options in force. Waits until Redis was asked for its time, for a command at most. */
  async start(): Promise<void> {
    const flush = async () => void (await this.bus.flush())
    this.bus.start(() => void this.guard.probe(flush))
    await this.guard.start(this.options.settings.config.redisPause, flush)
  }
  stop(): void {
    this.bus.stop()
    this.guard.stop()
  }

  /** What is found for a key. Keys that are asked for in one turn of the microtasks go in one command. */
  read(key: string): Promise<Found> {
    if (this.reading >= this.options.settings.config.maxLoads) {
      this.skipped += 1
      return Promise.resolve({ atMs: this.options.clock.monotonic() })
    }
    this.reading += 1
    const { promise, resolve } = Promise.withResolvers<Found>()
    if (this.asked.push({ key, resolve }) === 1) queueMicrotask(() => this.readAsked())
    return promise
  }

  private readAsked(): void {
    const { asked } = this
    this.asked = []
    for (let from = 0; from < asked.length; from += keysACommand) {
      const batch = asked.slice(from, from + keysACommand)
      void this.readBatch(batch).then(() => {
        this.reading -= batch.length
      })
    }
  }

  private async readBatch(batch: readonly Asked[]): Promise<void> {
    const { guard, bus, names, options } = this
    const atMs = options.clock.monotonic()
    const nothing = () => {
      for (const { resolve } of batch) resolve({ atMs })
    }
    // Nothing is read before our own invalidations have arrived.
    if (guard.isDown || (bus.waiting > 0 && !(await bus.flush()))) return nothing()
    const found = await guard.attempt((redis) =>
      redis.callBytes<(Uint8Array | null)[]>('MGET', ...batch.map(({ key }) => names.entry(key)), names.clock),
    )
    if (found === undefined) return nothing()
    const clock = found.value[batch.length]
    let areTagged = false
    const decoded = batch.map((_, index) => {
      const entry = this.decode(found.value[index])
      if (entry !== undefined && entry.tags.length > 0) areTagged = true
      return entry
    })
    const entries = areTagged ? await this.withoutStale(decoded) : decoded
    const mark = clock ?? (await this.firstMark())
    for (let index = 0; index < batch.length; index += 1) batch[index]!.resolve({ entry: entries[index], mark, atMs })
  }

  private async firstMark(): Promise<string | undefined> {
    const made = await this.guard.attempt((redis) => runScript<string>(redis, markScript, [this.names.clock]))
    return made?.value
  }

  private decode(bytes: Uint8Array | null | undefined): (StoredEntry & { at: number }) | undefined {
    if (!bytes) return undefined
    const entry = decode(bytes, this.guard.offsetMs, this.options.settings.config.maxEntrySize)
    if (entry === undefined) this.poisoned += 1
    return entry
  }

  /** Leaves out entries of which a tag was invalidated after their load began. */
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

  /** Bytes and milliseconds to live, or undefined for what cannot be kept. */
  private pack(entry: StoredEntry): { bytes: Uint8Array; ms: number } | undefined {
    const { clock } = this.options
    const { compressAbove, maxEntrySize } = this.options.settings.config
    const ms = Math.min(Math.ceil(entry.staleUntilMs - clock.now()), tagKeepMs)
    if (ms <= 0) return undefined
    try {
      const bytes = encode(entry, this.guard.offsetMs, compressAbove, maxEntrySize)
      if (bytes !== undefined) return { bytes, ms }
    } catch {}
    this.unstorable += 1
    return undefined
  }

  /** Keeps what was loaded after `found`, unless it was invalidated since. */
  async keep(key: string, entry: StoredEntry, { mark, atMs }: Found): Promise<void> {
    const { names, guard, options } = this
    if (mark === undefined || guard.isDown || options.clock.monotonic() - atMs > tombstoneMs / 2) return
    const packed = this.pack(entry)
    if (packed === undefined) return
    const keys = [names.clock, names.floor, names.tombstone(key), names.entry(key)]
    await guard.attempt((redis) => runScript(redis, keepScript, keys, mark, packed.bytes, packed.ms))
  }

  /** Sets a value and tells the other processes. What cannot be set is removed. */
  async put(key: string, entry: StoredEntry): Promise<void> {
    const { names, guard, bus } = this
    const invalidation = ['key', key] as const
    const packed = this.pack(entry)
    if (packed === undefined) return void (await bus.send(invalidation))
    const keys = [names.clock, names.tombstone(key), names.entry(key)]
    const told = [tombstoneMs, names.channel, bus.message(invalidation)]
    const done = await guard.attempt((redis) => runScript(redis, putScript, keys, ...told, packed.bytes, packed.ms))
    if (done === undefined) bus.keepForLater(invalidation)
  }
}
