/** Logs that a plugin became degraded or ok again: each change at the time, at most one line a minute. */
import type { Cancel, Clock } from '../../contract/clock.ts'
import type { Logger } from '../../contract/logger.ts'

const quietMs = 60_000

export class StateLog {
  #reason: string | undefined
  #changes = 0
  #quietUntilMs = Number.NEGATIVE_INFINITY
  #cancel: Cancel | undefined

  constructor(
    private readonly plugin: string,
    private readonly clock: Pick<Clock, 'monotonic' | 'after'>,
    private readonly log: Pick<Logger, 'info' | 'warn'>,
  ) {}

  /** @param reason why the plugin is degraded, undefined where it is ok */
  changed(reason: string | undefined): void {
    this.#reason = reason
    this.#changes += 1
    if (this.#cancel !== undefined) return
    const waitMs = this.#quietUntilMs - this.clock.monotonic()
    if (waitMs <= 0) this.#write()
    else this.#cancel = this.clock.after(waitMs, () => this.#write())
  }

  /** Writes the last change; `leftOut` counts the changes before that got no line. */
  #write(): void {
    this.#cancel = undefined
    this.#quietUntilMs = this.clock.monotonic() + quietMs
    const leftOut = this.#changes > 1 ? { leftOut: this.#changes - 1 } : {}
    this.#changes = 0
    if (this.#reason === undefined) this.log.info(`plugin ${this.plugin} is ok again`, leftOut)
    else this.log.warn(`plugin ${this.plugin} is degraded`, { reason: this.#reason, ...leftOut })
  }

  forget(): void {
    this.#cancel?.()
  }
}
