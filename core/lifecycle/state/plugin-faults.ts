/** Why a plugin is degraded: its last fault, for a minute, or what does not pass by itself, or what it reports. */
import type { Cancel, Clock } from '../../contract/clock.ts'
import { coreError, messageOf } from '../../contract/errors.ts'
import type { Logger } from '../../contract/logger.ts'
import { show } from '../../contract/redact/redactor.ts'
import type { PluginTotals } from './plugin-totals.ts'

const faultMemoryMs = 60_000
/** Lines about faults in a minute: a plugin may fail a hundred thousand times in a second. */
const mostLines = 100
/** Characters of a reason, which the status shows. */
const maxLength = 1_000

export class PluginFaults {
  #last: string | undefined
  #reported: string | undefined
  readonly #lasting = new Map<object, string>()
  #lines = 0
  #linesFromMs = 0
  #cancel: Cancel = () => {}

  /** @param changed called when {@link reason} may have changed */
  constructor(
    private readonly plugin: string,
    private readonly clock: Pick<Clock, 'after' | 'monotonic'>,
    private readonly logger: Logger,
    private readonly totals: Pick<PluginTotals, 'errors'>,
    private readonly changed: () => void,
  ) {}

  /** Undefined for a plugin that is not degraded. */
  get reason(): string | undefined {
    return (this.#last ?? this.#lasting.values().next().value ?? this.#reported)?.slice(0, maxLength)
  }

  get #linesLeft(): number {
    const nowMs = this.clock.monotonic()
    if (nowMs - this.#linesFromMs >= faultMemoryMs) {
      this.#linesFromMs = nowMs
      this.#lines = 0
    }
    return Math.max(0, mostLines - this.#lines++)
  }

  /** Logs a hundred errors a minute. */
  #write(message: string, error: unknown): void {
    const left = this.#linesLeft
    if (left > 0) this.logger.error(message, { error })
    if (left === 1) this.logger.warn(`further faults of plugin ${this.plugin} are counted, not logged, for a minute`)
  }

  /** Counts and logs an error that does not degrade the plugin by itself. */
  count(message: string, error: unknown): void {
    this.totals.errors += 1
    this.#write(message, error)
  }

  /** @param logsRepeats whether the fault in force is logged again: a collector may fail at every scrape */
  add(phase: string, error: unknown, isUp: boolean, logsRepeats: boolean): void {
    this.totals.errors += 1
    const fault = `${phase} threw: ${messageOf(error)}`
    if (logsRepeats || fault !== this.#last) this.#write(`${phase} of plugin ${this.plugin} threw`, error)
    if (!isUp) return
    this.forget()
    this.#last = fault
    this.#cancel = this.clock.after(faultMemoryMs, () => {
      this.#last = undefined
      this.changed()
    })
    this.changed()
  }

  /** @param source what the reason is about @param reason undefined where the reason is over */
  hold(source: object, reason: string | undefined): void {
    if (reason === undefined) this.#lasting.delete(source)
    else this.#lasting.set(source, reason)
    this.changed()
  }

  /** @throws PLUGIN_INVALID */
  report(state: 'ok' | 'degraded', reason: unknown = ''): void {
    if (state !== 'ok' && state !== 'degraded') {
      const what = `it reported the state ${show(state)}: expected "ok" or "degraded"`
      throw coreError('PLUGIN_INVALID', { plugin: this.plugin, what })
    }
    this.#reported = state === 'degraded' ? messageOf(reason) || 'degraded' : undefined
    this.changed()
  }

  /** Cancels the timer. */
  forget(): void {
    this.#cancel()
  }
}
