/** The Redis tier and the bus on which processes tell each other what to forget. Fails open: memory goes on alone. */
import type { Clock } from '../../core/clock.ts'
import type { Redis } from '../redis/api.ts'
import type { CacheConfig } from './config.ts'
import { decode, encode, type StoredEntry } from './serializer.ts'

export type Invalidation = readonly [kind: 'key' | 'tag' | 'pattern', what: string]

export interface RedisTierOptions {
  readonly redis: Redis
  readonly config: CacheConfig
  readonly clock: Clock
  /** Told what another process invalidated. */
  readonly onInvalidation: (invalidation: Invalidation) => void
}

const escaped = (text: string) => text.replace(/[?[\]\\^]/g, '\\$&')
const tagKeepMs = 7 * 86_400_000

export class RedisTier {
  poisoned = 0
  errors = 0
  dropped = 0
  private pausedUntilMs = 0
  private readonly id = crypto.randomUUID()
  private unsent: Invalidation[] = []
  private sending = false
  private connected = 0
  private undo: (() => void)[] = []

  constructor(private readonly options: RedisTierOptions) {}

  start(): void {
    const { redis, clock, config, onInvalidation } = this.options
    const heard = (message: string) => {
      const [from, kind, what] = JSON.parse(message) as [string, Invalidation[0], string]
      if (from !== this.id) onInvalidation([kind, what])
    }
    this.undo = [
      redis.subscribe(this.channel, heard),
      // What was invalidated while nothing could be heard is not known: everything in memory may be stale.
      redis.onSubscribed(() => {
        this.connected += 1
        if (this.connected > 1) onInvalidation(['pattern', '*'])
      }),
      clock.every(config.redisPause, () => this.flush()),
    ]
  }
  stop(): void {
    for (const each of this.undo) each()
    this.undo = []
  }

  private get channel(): string {
    return `${this.options.config.prefix}#bus`
  }
  private key(key: string): string {
    return `${this.options.config.prefix}k:${key}`
  }

  /** Runs a command unless Redis failed a moment ago. @returns undefined where it failed */
  private async attempt<T>(run: (redis: Redis) => Promise<T>): Promise<{ value: T } | undefined> {
    const { redis, clock, config } = this.options
    if (clock.monotonic() < this.pausedUntilMs) return undefined
    try {
      return { value: await run(redis) }
    } catch (thrown) {
      this.errors += 1
      if ((thrown as { code?: string }).code !== 'REDIS_COMMAND_FAILED')
        this.pausedUntilMs = clock.monotonic() + config.redisPause
      return undefined
    }
  }

  async get(key: string): Promise<StoredEntry | undefined> {
    const found = await this.attempt((redis) => redis.callBytes('GET', this.key(key)))
    if (!found?.value) return undefined
    const entry = decode(found.value)
    if (entry === undefined) {
      this.poisoned += 1
      return undefined
    }
    if (entry.tags.length === 0) return entry
    const tags = entry.tags.map((tag) => `${this.options.config.prefix}t:${tag}`)
    const times = await this.attempt((redis) => redis.call<(string | null)[]>('MGET', ...tags))
    const isStale = times === undefined || times.value.some((time) => time !== null && Number(time) >= entry.createdMs)
    return isStale ? undefined : entry
  }

  async set(key: string, entry: StoredEntry): Promise<void> {
    const leftMs = Math.ceil(entry.staleUntilMs - this.options.clock.now())
    if (leftMs <= 0) return
    let bytes: Uint8Array
    try {
      bytes = encode(entry, this.options.config.compressAbove)
    } catch {
      this.errors += 1
      return
    }
    await this.attempt((redis) => redis.call('SET', this.key(key), bytes, 'PX', leftMs))
  }

  /** Removes from Redis and tells the other processes; what fails is tried again. @returns keys removed */
  async invalidate(invalidation: Invalidation): Promise<number> {
    const done = await this.attempt((redis) => this.apply(redis, invalidation))
    if (done !== undefined) return done.value
    this.unsent.push(invalidation)
    if (this.unsent.length > this.options.config.maxRetries) {
      this.dropped += this.unsent.length
      this.unsent = [['pattern', '*']]
    }
    return 0
  }

  private async apply(redis: Redis, [kind, what]: Invalidation): Promise<number> {
    const { prefix } = this.options.config
    let removed = 0
    if (kind === 'key') removed = await redis.call<number>('DEL', this.key(what))
    else if (kind === 'tag') await redis.call('SET', `${prefix}t:${what}`, this.options.clock.now(), 'PX', tagKeepMs)
    else {
      let cursor = '0'
      do {
        const match = `${escaped(prefix).replaceAll('*', '\\*')}k:${escaped(what)}`
        const [next, keys] = await redis.call<[string, string[]]>('SCAN', cursor, 'MATCH', match, 'COUNT', 500)
        cursor = next
        if (keys.length > 0) removed += await redis.call<number>('UNLINK', ...keys)
      } while (cursor !== '0')
    }
    await redis.call('PUBLISH', this.channel, JSON.stringify([this.id, kind, what]))
    return removed
  }

  /** Sends what could not be sent. */
  async flush(): Promise<void> {
    if (this.sending || this.unsent.length === 0) return
    this.sending = true
    try {
      const batch = this.unsent
      this.unsent = []
      for (const invalidation of batch) await this.invalidate(invalidation)
    } finally {
      this.sending = false
    }
  }
}
