/**
 * Why a plugin is degraded: its last fault, for a minute, or what does not pass by itself, such as a contribution that
 * is refused or a thread that is gone for good, or what the plugin reports.
 */
import type { Cancel, Clock } from '../contract/clock.ts'

/** How long a plugin stays degraded after a fault. */
const faultMemoryMs = 60_000
/** Lines about faults in a minute: a plugin may fail a hundred thousand times in a second. */
const mostLines = 100
/** Characters of a reason, which the status shows. */
const maxLength = 1_000

export class PluginFaults {
  /** The last fault of the past minute. */
  last: string | undefined
  #reported: string | undefined
  readonly #lasting = new Map<object, string>()
  #lines = 0
  #linesFromMs = 0
  #cancel: Cancel = () => {}

  /** @param changed called when {@link reason} may have changed */
  constructor(
    private readonly clock: Pick<Clock, 'after' | 'monotonic'>,
    private readonly changed: () => void,
  ) {}

  /** Undefined for a plugin that is not degraded. */
  get reason(): string | undefined {
    return (this.last ?? this.#lasting.values().next().value ?? this.#reported)?.slice(0, maxLength)
  }

  /** How many lines are left in this minute, the next one included. */
  get linesLeft(): number {
    const nowMs = this.clock.monotonic()
    if (nowMs - this.#linesFromMs >= faultMemoryMs) {
      this.#linesFromMs = nowMs
      this.#lines = 0
    }
    return Math.max(0, mostLines - this.#lines++)
  }

  add(fault: string): void {
    this.forget()
    this.last = fault
    this.#cancel = this.clock.after(faultMemoryMs, () => {
      this.last = undefined
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

  /** @param reason undefined where the plugin reports that it is ok */
  report(reason: string | undefined): void {
    this.#reported = reason
    this.changed()
  }

  /** Cancels the timer. */
  forget(): void {
    this.#cancel()
  }
}
