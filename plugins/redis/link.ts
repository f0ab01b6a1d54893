/** One connection for commands: deadlines, a bounded queue while it is being made, a breaker. */
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { RedisCommand } from './api.ts'
import { admit, type Breaker, closedBreaker, failed } from './breaker.ts'
import type { RedisConfig } from './config.ts'
import type { Client } from './connect.ts'
import { redisError } from './errors.ts'

export interface LinkOptions {
  readonly open: () => Client
  readonly config: RedisConfig
  readonly clock: Clock
  /** Told when it becomes usable or ceases to be, with the reason. */
  readonly onState: (reason: string | undefined) => void
}

interface Waiting {
  readonly send: () => void
  readonly fail: (error: Error) => void
}

export class RedisLink {
  readonly counts = { commands: 0, refused: 0, timeouts: 0, rejected: 0, reconnects: 0 }
  pending = 0
  /** Told the seconds that each answer took. */
  observe: (seconds: number) => void = () => {}
  private client: Client | undefined
  private readonly queue = new Set<Waiting>()
  private breaker: Breaker = closedBreaker
  private ready = false
  /** The connection is being closed, to be made anew. */
  private renewing = false
  private connections = 0
  /** Why the last attempt failed; cleared by a connection. */
  private reason: string | undefined
  private closed = false

  constructor(private readonly options: LinkOptions) {}

  get state(): 'connecting' | 'ready' | 'down' | 'open' {
    if (this.breaker.openUntilMs !== undefined) return 'open'
    if (this.ready) return 'ready'
    return this.reason === undefined ? 'connecting' : 'down'
  }
  get queued(): number {
    return this.queue.size
  }

  start(): void {
    const client = this.options.open()
    this.client = client
    client.on('ready', () => {
      this.ready = true
      this.renewing = false
      this.reason = undefined
      this.connections += 1
      if (this.connections > 1) this.counts.reconnects += 1
      if (this.breaker.openUntilMs === undefined) this.options.onState(undefined)
      for (const waiting of [...this.queue]) waiting.send()
    })
    client.on('error', (error: Error) => this.isDown(messageOf(error) || error.name))
    client.on('close', () => this.isDown(this.reason ?? 'connection closed'))
  }

  private isDown(reason: string): void {
    if (this.closed) return
    const wasReady = this.ready
    this.ready = false
    // A connection that was lost may be back in a moment: what comes until the next attempt fails may wait for it.
    if (wasReady) {
      this.reason = undefined
      this.options.onState(reason)
      return
    }
    this.reason = reason
    this.options.onState(reason)
    for (const waiting of [...this.queue]) waiting.fail(redisError('REDIS_UNAVAILABLE', { reason }))
  }

  /** @param extraMs milliseconds that the command may take on top of the timeout */
  call<T>(command: RedisCommand, bytes = false, extraMs = 0): Promise<T> {
    const { config, clock } = this.options
    const startedMs = clock.monotonic()
    const verdict = admit(this.breaker, startedMs)
    const reject = (code: 'REDIS_UNAVAILABLE' | 'REDIS_QUEUE_FULL', details: Record<string, unknown>) => {
      this.counts.rejected += 1
      return Promise.reject(redisError(code, details))
    }
    if (this.closed || this.client === undefined)
      return reject('REDIS_UNAVAILABLE', { reason: 'the plugin is stopped' })
    if (verdict === 'refuse') return reject('REDIS_UNAVAILABLE', { reason: 'it did not answer, the breaker is open' })
    if (!this.ready && this.reason !== undefined) return reject('REDIS_UNAVAILABLE', { reason: this.reason })
    if (!this.ready && this.queue.size >= config.maxQueue) return reject('REDIS_QUEUE_FULL', { limit: config.maxQueue })
    if (this.pending >= config.maxPending) return reject('REDIS_QUEUE_FULL', { limit: config.maxPending })
    if (verdict === 'probe') this.breaker = { ...this.breaker, probing: true }
    return new Promise<T>((resolve, rejectCall) => {
      const timeoutMs = config.commandTimeout + extraMs
      let state: 'queued' | 'sent' | 'done' = 'queued'
      const finish = () => {
        cancel()
        this.queue.delete(waiting)
        if (state === 'sent') this.pending -= 1
        state = 'done'
      }
      const waiting: Waiting = {
        fail: (error) => {
          if (state === 'done') return
          finish()
          this.failure(false)
          rejectCall(error)
        },
        send: () => {
          this.queue.delete(waiting)
          state = 'sent'
          this.pending += 1
          this.counts.commands += 1
          this.send(command, bytes).then(
            (value) => {
              if (state === 'done') return
              finish()
              this.success(startedMs)
              resolve(value as T)
            },
            (thrown) => {
              if (state === 'done') return
              if ((thrown as Error).name === 'ReplyError') {
                finish()
                this.success(startedMs)
                this.counts.refused += 1
                const details = { command: command[0], reason: messageOf(thrown) }
                rejectCall(redisError('REDIS_COMMAND_FAILED', details, thrown))
              } else waiting.fail(redisError('REDIS_UNAVAILABLE', { reason: 'the connection was lost' }, thrown))
            },
          )
        },
      }
      const cancel = clock.after(timeoutMs, () => {
        if (state === 'done') return
        finish()
        this.counts.timeouts += 1
        this.failure(true)
        rejectCall(redisError('REDIS_TIMEOUT', { command: command[0], timeoutMs }))
      })
      if (this.ready) waiting.send()
      else this.queue.add(waiting)
    })
  }

  private async send([name, ...args]: RedisCommand, bytes: boolean): Promise<unknown> {
    const plain = args.map((arg) =>
      arg instanceof Uint8Array ? Buffer.from(arg.buffer, arg.byteOffset, arg.length) : arg,
    )
    return bytes ? this.client!.callBuffer(name, ...plain) : this.client!.call(name, ...plain)
  }

  private success(startedMs: number): void {
    this.observe((this.options.clock.monotonic() - startedMs) / 1_000)
    const wasOpen = this.breaker.openUntilMs !== undefined
    this.breaker = closedBreaker
    if (wasOpen) this.options.onState(undefined)
  }

  private failure(timedOut: boolean): void {
    const { config, clock, onState } = this.options
    if (!timedOut && this.breaker.openUntilMs === undefined) return
    const limits = { failures: config.failures, coolDownMs: config.coolDown }
    const wasOpen = this.breaker.openUntilMs !== undefined
    this.breaker = failed(this.breaker, clock.monotonic(), limits)
    if (this.breaker.openUntilMs === undefined) return
    if (!wasOpen) onState('no answer in time, the breaker is open')
    // A socket that does not answer may be dead on the other side only: a new one tells.
    if (!timedOut || !this.ready || this.renewing) return
    this.renewing = true
    this.client?.disconnect(true)
  }

  stop(): void {
    this.closed = true
    this.client?.disconnect()
    for (const waiting of [...this.queue])
      waiting.fail(redisError('REDIS_UNAVAILABLE', { reason: 'the plugin is stopped' }))
  }
}
