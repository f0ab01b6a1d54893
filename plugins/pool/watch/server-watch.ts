/** Whether a pool lends, and why not: the one decision that status, health check, metric and plugin state show. */
import { type Clock, messageOf, withDeadline } from '../../../core/plugin.ts'
import type { PoolStatus } from '../api.ts'
import type { SqlConnection } from '../drivers/driver.ts'
import type { ConnectionPool } from '../lending/connection-pool.ts'

/** How long after the last question the server is asked again, where no health check asks. */
const quietMs = 15_000
const answerMs = 5_000
/** Questions in a row without an answer after which the server cannot be reached. */
const silences = 2

export interface ServerWatchOptions {
  readonly clock: Clock
  readonly main: ConnectionPool<SqlConnection>
  readonly reserve: ConnectionPool<SqlConnection>
  /** Runs a statement in the lane that stays free when the pool is exhausted. */
  question(signal: AbortSignal): Promise<unknown>
}

export class ServerWatch {
  private asking: Promise<string | undefined> | undefined
  private askedMs = Number.NEGATIVE_INFINITY
  private unanswered = 0
  private unansweredMs = Number.NEGATIVE_INFINITY
  private reason = ''

  constructor(private readonly options: ServerWatchOptions) {}

  /** The `problem` of a pool that is not `ok` says why. */
  state(): Pick<PoolStatus, 'state' | 'problem'> {
    const { main } = this.options
    const attempt = main.connector.problem ?? ''
    if (main.closed) return { state: 'drained', problem: '`arkwatch plugins restart pool` opens the pool again' }
    if (main.unavailable) return { state: 'unavailable', problem: attempt }
    if (this.unanswered >= silences && this.isSilent) return { state: 'unavailable', problem: this.reason }
    if (main.paused) return { state: 'paused', problem: 'nothing is lent until `arkwatch pool resume`' }
    return { state: 'ok', problem: attempt }
  }

  /** Whether no statement and no attempt to connect, in either lane, was answered since the last question. */
  private get isSilent(): boolean {
    const { main, reserve } = this.options
    return Math.max(main.answeredMs, reserve.answeredMs) <= this.unansweredMs
  }

  /** Asks the server now, or joins the question in progress. @returns why there is no answer; never rejects */
  ask(): Promise<string | undefined> {
    this.asking ??= this.askOnce().finally(() => {
      this.asking = undefined
    })
    return this.asking
  }

  private async askOnce(): Promise<string | undefined> {
    const { clock, main, reserve, question } = this.options
    this.askedMs = clock.monotonic()
    const abort = new AbortController()
    const late = new Error(`no answer within ${answerMs} ms`)
    try {
      await withDeadline(question(abort.signal), answerMs, clock, () => late)
      this.unanswered = 0
      return undefined
    } catch (thrown) {
      abort.abort(late)
      this.unanswered = this.isSilent ? this.unanswered + 1 : 1
      // No connection is left, and several attempts in a row failed: that needs no second question.
      if (reserve.unavailable && main.counts().total === 0) this.unanswered = silences
      this.unansweredMs = clock.monotonic()
      this.reason = reserve.connector.problem ?? messageOf(thrown)
      return this.reason
    }
  }

  /** Asks a server that nobody asked for a while. Run it every second. */
  housekeep(): void {
    const { clock, main } = this.options
    if (!main.closed && clock.monotonic() - this.askedMs >= quietMs) void this.ask()
  }

  /** Forgets what is known: the pool has another server. */
  reset(): void {
    this.unanswered = 0
    this.askedMs = Number.NEGATIVE_INFINITY
  }
}

/** Why a pool does not serve all its callers, in a sentence; undefined for `ok`. */
export function stateReason({ state, problem }: Pick<PoolStatus, 'state' | 'problem'>): string | undefined {
  if (state === 'ok') return undefined
  return state === 'unavailable' ? `the database cannot be reached: ${problem}` : `${state}: ${problem}`
}
