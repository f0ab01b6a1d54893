/** Opens connections: a time limit, a back-off after failures, and a breaker that tries again by itself. */
import { type Cancel, type Clock, messageOf, outsideRequests } from '../../../core/plugin.ts'
import type { PoolConnection } from './lease.ts'
import type { BackOff, PoolOptions } from './pool-options.ts'

export interface ConnectorListener<C> {
  /** @returns called when the connection ends by itself */
  opened(connection: C, tookMs: number): () => void
  failed(): void
  /** The back-off is over. */
  again(): void
}

/**
 * Doubles from failure to failure, with half of it at random, so that many processes do not reconnect together.
 * @param failures in a row, from 1
 * @param random 0-1
 * @returns milliseconds
 */
export function backOffMs({ firstMs, maxMs }: BackOff, failures: number, random: number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(30, failures - 1))
  return full / 2 + (full / 2) * random
}

/** Opens a connection. One that comes after `timeoutMs` or after the abort of `attempt` is closed. */
export async function openInTime<C extends PoolConnection>(
  open: (signal: AbortSignal) => Promise<C>,
  timeoutMs: number,
  clock: Clock,
  attempt = new AbortController(),
): Promise<C> {
  const ended = Promise.withResolvers<never>()
  attempt.signal.addEventListener('abort', () => ended.reject(attempt.signal.reason), { once: true })
  const cancel = clock.after(timeoutMs, () => attempt.abort(new Error(`no answer in ${timeoutMs} ms`)))
  const made = open(attempt.signal)
  try {
    return await Promise.race([made, ended.promise])
  } catch (thrown) {
    void made.then((unwanted) => unwanted.close()).catch(() => {})
    throw thrown
  } finally {
    cancel()
  }
}

export class Connector<C extends PoolConnection> {
  /** Attempts in progress. */
  connecting = 0
  created = 0
  failures = 0
  failuresInRow = 0
  /** Why the last attempt failed; undefined after a success. */
  problem: string | undefined
  private retry: Cancel | undefined
  private stopped = false
  private readonly attempts = new Set<AbortController>()

  constructor(
    private readonly options: Pick<PoolOptions<C>, 'connect' | 'clock' | 'random'>,
    private readonly listener: ConnectorListener<C>,
  ) {}

  /** Whether no attempt may begin: a back-off runs, or an attempt after a failure is in progress. */
  get isBusy(): boolean {
    return this.stopped || this.retry !== undefined || (this.failuresInRow > 0 && this.connecting > 0)
  }

  /** Never rejects. The connection is for any request, and its failures are of none. */
  connect(settings: PoolOptions<C>['settings']): Promise<void> {
    return outsideRequests(() => this.attempt(settings))
  }

  private async attempt({ connectTimeout, backOff }: PoolOptions<C>['settings']): Promise<void> {
    const { clock } = this.options
    this.connecting += 1
    const startedMs = clock.monotonic()
    let lost = false
    let onLost = () => {}
    const attempt = new AbortController()
    this.attempts.add(attempt)
    const onClosed = () => {
      lost = true
      onLost()
    }
    let connection: C
    try {
      const open = (signal: AbortSignal) => this.options.connect(onClosed, signal)
      connection = await openInTime(open, connectTimeout, clock, attempt)
    } catch (thrown) {
      this.connecting -= 1
      return this.fail(thrown, backOff)
    } finally {
      this.attempts.delete(attempt)
    }
    this.connecting -= 1
    if (lost || this.stopped) connection.close()
    if (lost) return this.fail(new Error('the server closed the connection'), backOff)
    if (this.stopped) return
    this.created += 1
    this.failuresInRow = 0
    this.problem = undefined
    onLost = this.listener.opened(connection, clock.monotonic() - startedMs)
  }

  stop(): void {
    this.stopped = true
    this.retry?.()
    for (const attempt of this.attempts) attempt.abort(new Error('the pool is closed'))
  }

  private fail(thrown: unknown, backOff: BackOff): void {
    this.failures += 1
    if (this.stopped || this.retry !== undefined) return
    this.failuresInRow += 1
    this.problem = messageOf(thrown) || (thrown as { code?: string }).code || 'unknown'
    const random = this.options.random ?? Math.random
    this.retry = this.options.clock.after(backOffMs(backOff, this.failuresInRow, random()), () => {
      this.retry = undefined
      this.listener.again()
    })
    this.listener.failed()
  }
}
