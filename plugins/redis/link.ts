/** One connection for commands: deadlines, a bounded queue while it is being made, a breaker. */
import { type Clock, messageOf } from '../../core/plugin.ts'
import type { RedisArgument, RedisCommand, RedisState } from './api.ts'
import type { RedisConfig } from './config.ts'
import type { Client } from './connect.ts'
import { Deadlines } from './deadlines.ts'
import { redisError } from './errors.ts'

export interface LinkOptions {
  readonly open: () => Client
  readonly config: RedisConfig
  readonly clock: Clock
  /** Called when the connection takes commands, and with the reason when it does not. */
  readonly onState: (reason: string | undefined) => void
}

/** A command until it is answered. */
interface Call {
  readonly command: RedisCommand
  readonly bytes: boolean
  readonly startedMs: number
  readonly timeoutMs: number
  readonly dueMs: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  state: 'queued' | 'sent' | 'done'
}

/** Refuses commands immediately that would only time out. */
interface Breaker {
  /** Failures in a row. */
  readonly failures: number
  /** Until when everything is refused; undefined while closed. */
  readonly openUntilMs: number | undefined
  /** The deciding call is in progress. */
  readonly probing: boolean
}

const closedBreaker: Breaker = { failures: 0, openUntilMs: undefined, probing: false }

/** @returns `pass`; `probe`, pass as the one that decides; `refuse` */
function admit({ openUntilMs, probing }: Breaker, nowMs: number): 'pass' | 'probe' | 'refuse' {
  if (openUntilMs === undefined) return 'pass'
  return nowMs < openUntilMs || probing ? 'refuse' : 'probe'
}

/** @returns the breaker after a failure at `nowMs` */
function failed(breaker: Breaker, nowMs: number, limits: Pick<RedisConfig, 'failures' | 'coolDown'>): Breaker {
  const failures = breaker.failures + 1
  const opens = failures >= limits.failures
  return { failures, openUntilMs: opens ? nowMs + limits.coolDown : breaker.openUntilMs, probing: false }
}

const noAnswer = 'the server did not answer in time, the breaker is open'

/** Bytes that ioredis does not take as they are. */
const isForeign = (arg: RedisArgument): boolean => arg instanceof Uint8Array && !Buffer.isBuffer(arg)
const asBuffer = (arg: RedisArgument) =>
  arg instanceof Uint8Array ? Buffer.from(arg.buffer, arg.byteOffset, arg.length) : arg

export class RedisLink {
  readonly counts = { commands: 0, refused: 0, timeouts: 0, rejected: 0, reconnects: 0 }
  pending = 0
  /** Called with the seconds that each answer took. */
  observe: (seconds: number) => void = () => {}
  private client: Client | undefined
  private readonly queue = new Set<Call>()
  private readonly deadlines: Deadlines<Call>
  private breaker: Breaker = closedBreaker
  private ready = false
  /** The connection is being closed and will be opened again. */
  private renewing = false
  private connections = 0
  /** Why the last attempt failed; cleared by a connection. */
  private reason: string | undefined
  private closed = false

  constructor(private readonly options: LinkOptions) {
    this.deadlines = new Deadlines(options.clock, (call) => this.timeOut(call))
  }

  get state(): RedisState {
    if (this.breaker.openUntilMs !== undefined) return 'open'
    if (this.ready) return 'ready'
    return this.reason === undefined ? 'connecting' : 'down'
  }
  get queued(): number {
    return this.queue.size
  }

  start(): void {
    if (this.closed) return
    const client = this.options.open()
    this.client = client
    client.on('ready', () => {
      this.ready = true
      this.renewing = false
      this.reason = undefined
      this.connections += 1
      if (this.connections > 1) this.counts.reconnects += 1
      if (this.breaker.openUntilMs === undefined) this.options.onState(undefined)
      for (const call of [...this.queue]) this.send(call)
    })
    client.on('error', (error: Error) => this.isDown(messageOf(error) || error.name))
    // Where the link itself closed the connection, the reason is why it did so.
    client.on('close', () => this.isDown(this.reason ?? (this.renewing ? noAnswer : 'connection closed')))
  }

  private isDown(reason: string): void {
    if (this.closed) return
    const wasReady = this.ready
    this.ready = false
    // A lost connection may be replaced soon: until the next attempt fails, commands wait for the connection.
    this.reason = wasReady ? undefined : reason
    this.options.onState(reason)
    if (!wasReady) for (const call of [...this.queue]) this.lose(call, reason)
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
    const { promise, resolve, reject: rejectCall } = Promise.withResolvers<unknown>()
    const timeoutMs = config.commandTimeout + extraMs
    const times = { startedMs, timeoutMs, dueMs: startedMs + timeoutMs }
    const one: Call = { command, bytes, ...times, resolve, reject: rejectCall, state: 'queued' }
    this.deadlines.add(one, startedMs)
    if (this.ready) this.send(one)
    else this.queue.add(one)
    return promise as Promise<T>
  }

  private send(call: Call): void {
    this.queue.delete(call)
    call.state = 'sent'
    this.pending += 1
    this.counts.commands += 1
    const [name, ...args] = call.command
    const plain = args.some(isForeign) ? args.map(asBuffer) : (args as (string | number | Buffer)[])
    const client = this.client!
    try {
      const answer = call.bytes ? client.callBuffer(name, ...plain) : client.call(name, ...plain)
      answer.then(
        (value) => this.answered(call, value),
        (thrown) => this.refused(call, thrown),
      )
    } catch (thrown) {
      this.refused(call, thrown)
    }
  }

  /** @returns whether it had ended before */
  private end(call: Call): boolean {
    const { state } = call
    if (state === 'done') return true
    if (state === 'sent') this.pending -= 1
    else this.queue.delete(call)
    call.state = 'done'
    this.deadlines.remove(call)
    return false
  }

  private answered(call: Call, value: unknown): void {
    if (this.end(call)) return
    this.success(call.startedMs)
    call.resolve(value)
  }

  private refused(call: Call, thrown: unknown): void {
    if ((thrown as Error).name !== 'ReplyError') {
      this.lose(call, 'the connection was lost', thrown)
      return
    }
    if (this.end(call)) return
    this.success(call.startedMs)
    this.counts.refused += 1
    const details = { command: call.command[0], reason: messageOf(thrown) }
    call.reject(redisError('REDIS_COMMAND_FAILED', details, thrown))
  }

  private lose(call: Call, reason: string, cause?: unknown): void {
    if (this.end(call)) return
    this.failure(false)
    call.reject(redisError('REDIS_UNAVAILABLE', { reason }, cause))
  }

  private timeOut(call: Call): void {
    if (this.end(call)) return
    this.counts.timeouts += 1
    this.failure(true)
    const { command, timeoutMs } = call
    call.reject(redisError('REDIS_TIMEOUT', { command: command[0], timeoutMs }))
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
    const wasOpen = this.breaker.openUntilMs !== undefined
    this.breaker = failed(this.breaker, clock.monotonic(), config)
    if (this.breaker.openUntilMs === undefined) return
    if (!wasOpen) onState(noAnswer)
    // A socket without answers may be dead on the other side only: a new socket shows whether the server is.
    if (!timedOut || !this.ready || this.renewing) return
    this.renewing = true
    this.client?.disconnect(true)
  }

  stop(): void {
    this.closed = true
    this.client?.disconnect()
    for (const call of [...this.queue]) this.lose(call, 'the plugin is stopped')
    this.deadlines.close()
  }
}
