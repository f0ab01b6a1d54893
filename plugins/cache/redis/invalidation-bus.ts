/** Sends invalidations to Redis and the other processes, and receives theirs. Unsent ones wait, within bounds. */
import type { Redis } from '../../redis/api.ts'
import { type Invalidation, type RedisParts, tagKeepMs, tombstoneMs } from './redis-parts.ts'
import { dropScript, floorScript, runScript, tagScript } from './scripts.ts'

const escaped = (text: string) => text.replace(/[?[\]\\^]/g, '\\$&')

/** @returns the sender and its invalidation, or undefined for a message of another program */
export function parseMessage(message: string): { from: string; invalidation: Invalidation } | undefined {
  try {
    const [from, kind, name] = JSON.parse(message)
    const isOurs = typeof from === 'string' && typeof name === 'string' && ['key', 'tag', 'pattern'].includes(kind)
    return isOurs ? { from, invalidation: [kind, name] } : undefined
  } catch {
    return undefined
  }
}

export class InvalidationBus {
  private readonly id = crypto.randomUUID()
  private unsent = new Map<string, Invalidation>()
  private flushing: Promise<void> | undefined
  private undo: (() => void)[] = []

  constructor(private readonly parts: RedisParts) {}

  /** A second call changes to the channel in force. @param onJoined called after each subscription */
  start(onJoined: () => void): void {
    const { redis, names, counts, onInvalidation } = this.parts
    const receive = (message: string) => {
      const parsed = parseMessage(message)
      if (parsed === undefined) counts.bus_foreign += 1
      else if (parsed.from !== this.id) onInvalidation(parsed.invalidation)
    }
    const subscribed = () => {
      counts.bus_generation += 1
      // Messages may have been lost before.
      onInvalidation(['pattern', '*'])
      onJoined()
    }
    const before = this.undo
    this.undo = [redis.onSubscribed(subscribed), redis.subscribe(names.channel, receive)]
    // After the new callbacks are registered, so that the subscription to the same channel never ends.
    for (const each of before) each()
  }
  stop(): void {
    for (const each of this.undo) each()
    this.undo = []
  }

  get waiting(): number {
    return this.unsent.size
  }
  /** Takes over the unsent invalidations of the previous tier. */
  adopt(predecessor: InvalidationBus): void {
    for (const invalidation of predecessor.unsent.values()) this.keepForLater(invalidation)
  }

  message(invalidation: Invalidation): string {
    return JSON.stringify([this.id, ...invalidation])
  }

  /** Sends an invalidation; a failed one is sent later. @returns keys removed from Redis; undefined: sending failed */
  async send(invalidation: Invalidation): Promise<number | undefined> {
    const done = await this.parts.guard.attempt((redis) => this.apply(redis, invalidation))
    if (done !== undefined) return done.value
    this.keepForLater(invalidation)
    return undefined
  }

  keepForLater(invalidation: Invalidation): void {
    this.unsent.set(invalidation.join(), invalidation)
    if (this.unsent.size <= this.parts.settings.config.maxRetries) return
    this.parts.counts.bus_dropped += this.unsent.size
    this.unsent = new Map([['all', ['pattern', '*']]])
  }

  /** Sends the unsent invalidations. @returns whether none is left */
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
      if ((await this.parts.guard.attempt((redis) => this.apply(redis, invalidation))) === undefined) return
      if (this.unsent.get(key) === invalidation) this.unsent.delete(key)
    }
  }

  private async apply(redis: Redis, invalidation: Invalidation): Promise<number> {
    const { names } = this.parts
    const [kind, name] = invalidation
    const message = this.message(invalidation)
    if (kind === 'key') {
      const keys = [names.clock, names.tombstone(name), names.entry(name)]
      return runScript<number>(redis, dropScript, keys, tombstoneMs, names.channel, message)
    }
    if (kind === 'tag') {
      return runScript<number>(redis, tagScript, [names.clock, names.tag(name)], tagKeepMs, names.channel, message)
    }
    await runScript(redis, floorScript, [names.clock, names.floor], tombstoneMs)
    const match = `${escaped(names.prefix).replaceAll('*', '\\*')}k:${escaped(name)}`
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
