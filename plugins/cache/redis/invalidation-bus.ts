/** Tells the other processes what to forget, and hears from them. What cannot be sent waits, within bounds. */
import type { Redis } from '../../redis/api.ts'
import type { Settings } from '../config.ts'
import type { RedisGuard } from './redis-guard.ts'
import { type RedisNames, tagKeepMs, tombstoneMs } from './redis-names.ts'
import { dropScript, floorScript, runScript, tagScript } from './scripts.ts'

export type Invalidation = readonly [kind: 'key' | 'tag' | 'pattern', what: string]

export interface BusOptions {
  readonly redis: Redis
  readonly guard: RedisGuard
  readonly names: RedisNames
  readonly settings: Settings
  /** Told what another process invalidated; of everything when messages may have been lost. */
  readonly onInvalidation: (invalidation: Invalidation) => void
}

const escaped = (text: string) => text.replace(/[?[\]\\^]/g, '\\$&')

/** @returns the sender and what it invalidated, or undefined for a text of another author */
export function parseMessage(message: string): { from: string; invalidation: Invalidation } | undefined {
  try {
    const [from, kind, what] = JSON.parse(message)
    const isOurs = typeof from === 'string' && typeof what === 'string' && ['key', 'tag', 'pattern'].includes(kind)
    return isOurs ? { from, invalidation: [kind, what] } : undefined
  } catch {
    return undefined
  }
}

export class InvalidationBus {
  /** Invalidations folded into one of everything. */
  dropped = 0
  /** Messages of another author. */
  foreign = 0
  /** Times that listening began; at each everything in memory is dropped, since messages may have been lost before. */
  generation = 0
  private readonly id = crypto.randomUUID()
  private unsent = new Map<string, Invalidation>()
  private flushing: Promise<void> | undefined
  private undo: (() => void)[] = []

  constructor(private readonly options: BusOptions) {}

  /** Called again, it listens to the channel in force. @param onHeard called when listening began */
  start(onHeard: () => void): void {
    const { redis, names, onInvalidation } = this.options
    const heard = (message: string) => {
      const parsed = parseMessage(message)
      if (parsed === undefined) this.foreign += 1
      else if (parsed.from !== this.id) onInvalidation(parsed.invalidation)
    }
    const subscribed = () => {
      this.generation += 1
      onInvalidation(['pattern', '*'])
      onHeard()
    }
    const before = this.undo
    this.undo = [redis.onSubscribed(subscribed), redis.subscribe(names.channel, heard)]
    // After the new listeners are there: the subscription to the same channel never ends.
    for (const each of before) each()
  }
  stop(): void {
    for (const each of this.undo) each()
    this.undo = []
  }

  get waiting(): number {
    return this.unsent.size
  }
  /** Takes over what another one could not send. */
  adopt(predecessor: InvalidationBus): void {
    for (const invalidation of predecessor.unsent.values()) this.keepForLater(invalidation)
  }

  /** The message for an invalidation. */
  message(invalidation: Invalidation): string {
    return JSON.stringify([this.id, ...invalidation])
  }

  /** Sends an invalidation; what fails is sent later. @returns keys removed from Redis; undefined: it failed */
  async send(invalidation: Invalidation): Promise<number | undefined> {
    const done = await this.options.guard.attempt((redis) => this.apply(redis, invalidation))
    if (done !== undefined) return done.value
    this.keepForLater(invalidation)
    return undefined
  }

  keepForLater(invalidation: Invalidation): void {
    this.unsent.set(invalidation.join(), invalidation)
    if (this.unsent.size <= this.options.settings.config.maxRetries) return
    this.dropped += this.unsent.size
    this.unsent = new Map([['all', ['pattern', '*']]])
  }

  /** Sends what could not be sent. @returns whether nothing waits any more */
  async flush(): Promise<boolean> {
    if (this.unsent.size === 0) return true
    this.flushing ??= this.sendAll().finally(() => {
      this.flushing = undefined
    })
    await this.flushing
    return this.unsent.size === 0
  }

  private async sendAll(): Promise<void> {
    for (const [key, invalidation] of [...this.unsent]) {
      if ((await this.options.guard.attempt((redis) => this.apply(redis, invalidation))) === undefined) return
      if (this.unsent.get(key) === invalidation) this.unsent.delete(key)
    }
  }

  private async apply(redis: Redis, invalidation: Invalidation): Promise<number> {
    const { names } = this.options
    const [kind, what] = invalidation
    const message = this.message(invalidation)
    if (kind === 'key') {
      const keys = [names.clock, names.tombstone(what), names.entry(what)]
      return runScript<number>(redis, dropScript, keys, tombstoneMs, names.channel, message)
    }
    if (kind === 'tag') {
      return runScript<number>(redis, tagScript, [names.clock, names.tag(what)], tagKeepMs, names.channel, message)
    }
    await runScript(redis, floorScript, [names.clock, names.floor], tombstoneMs)
    const match = `${escaped(names.prefix).replaceAll('*', '\\*')}k:${escaped(what)}`
    let removed = 0
    let cursor = '0'
    do {
      const [next, keys] = await redis.call<[string, string[]]>('SCAN', cursor, 'MATCH', match, 'COUNT', 500)
      cursor = next
      if (keys.length > 0) removed += await redis.call<number>('UNLINK', ...keys)
    } while (cursor !== '0')
    await redis.call('PUBLISH', names.channel, message)
    return removed
  }
}
