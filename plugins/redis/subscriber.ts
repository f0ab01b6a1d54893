/** The connection for messages: subscribes again after each reconnection and notifies callbacks. */
import { guarded, type Logger, withDeadline } from '../../core/plugin.ts'
import type { Client } from './connect.ts'
import { redisError } from './errors.ts'
import type { LinkOptions } from './link.ts'

/** Calls callbacks that other code registered: one that throws is logged, and the others are called. */
export function notify<A extends unknown[]>(log: Logger, callbacks: Iterable<(...args: A) => void>, ...args: A): void {
  const failed = (error: unknown) => log.error('a listener of redis threw', { error })
  for (const callback of callbacks) guarded(() => callback(...args), failed)
}

export class RedisSubscriber {
  private client: Client | undefined
  private ready = false
  private readonly channels = new Map<string, Set<(message: string) => void>>()
  private readonly subscribed = new Set<() => void>()

  constructor(private readonly options: Pick<LinkOptions, 'open' | 'config' | 'clock'> & { readonly log: Logger }) {}

  get size(): number {
    return this.channels.size
  }

  start(): void {
    const client = this.options.open()
    this.client = client
    client.on('ready', () => {
      this.ready = true
      this.subscribeTo([...this.channels.keys()])
    })
    for (const event of ['close', 'error'])
      client.on(event, () => {
        this.ready = false
      })
    client.on('message', (channel: string, message: string) => {
      notify(this.options.log, this.channels.get(channel) ?? [], message)
    })
    this.options.clock.every(this.options.config.keepAlive, async () => {
      if (this.ready) await this.bounded(client.ping())
    })
  }

  /** Waits for an answer; without one the connection is made again. */
  private async bounded(work: Promise<unknown>): Promise<boolean> {
    const { config, clock } = this.options
    const late = () => redisError('REDIS_TIMEOUT', { command: 'SUBSCRIBE', timeoutMs: config.commandTimeout })
    try {
      await withDeadline(work, config.commandTimeout, clock, late)
      return true
    } catch {
      if (this.ready) this.client?.disconnect(true)
      return false
    }
  }

  private async subscribeTo(channels: readonly string[]): Promise<void> {
    if (channels.length === 0 || !this.ready) return
    if (await this.bounded(this.client!.subscribe(...channels))) notify(this.options.log, this.subscribed)
  }

  subscribe(channel: string, listener: (message: string) => void): () => void {
    const known = this.channels.get(channel)
    if (known) known.add(listener)
    else {
      this.channels.set(channel, new Set([listener]))
      this.subscribeTo([channel])
    }
    return () => {
      const listeners = this.channels.get(channel)
      if (!listeners?.delete(listener) || listeners.size > 0) return
      this.channels.delete(channel)
      if (this.ready) this.client?.unsubscribe(channel).catch(() => {})
    }
  }

  onSubscribed(listener: () => void): () => void {
    this.subscribed.add(listener)
    return () => this.subscribed.delete(listener)
  }

  stop(): void {
    this.ready = false
    this.client?.disconnect()
  }
}
