/** Why a plugin is degraded: its last fault, for a minute, or else what the plugin reports. */
import type { Cancel, Clock } from '../contract/clock.ts'

/** How long a plugin stays degraded after a fault. */
const faultMemoryMs = 60_000

export class PluginFaults {
  /** The last fault of the past minute. */
  last: string | undefined
  #reported: string | undefined
  #cancel: Cancel = () => {}

  /** @param changed called when {@link reason} may have changed */
  constructor(
    private readonly clock: Pick<Clock, 'after'>,
    private readonly changed: () => void,
  ) {}

  /** Undefined for a plugin that is not degraded. */
  get reason(): string | undefined {
    return this.last ?? this.#reported
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
