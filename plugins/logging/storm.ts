/** The filter for repeated messages: the first N of a window pass, the rest are counted. Pure. */

/** Different messages counted in one window; further ones always pass. */
const maxKeys = 2_000

export class StormFilter {
  #first = 0
  #windowMs = 1_000
  #endsMs = 0
  #keys = 0
  readonly #counts = new Map<string, Map<string, number>>()
  /** Lines suppressed since the beginning. */
  suppressed = 0

  /** @param first lines that pass, 0 for all @param windowMs length of a window in milliseconds */
  configure(first: number, windowMs: number): void {
    this.#first = first
    this.#windowMs = windowMs
  }

  /** Whether this line passes. A window that {@link isDue} must be ended first. */
  passes(logger: string, message: string, nowMs: number): boolean {
    if (this.#first === 0) return true
    if (this.#keys === 0) this.#endsMs = nowMs + this.#windowMs
    let messages = this.#counts.get(logger)
    const count = messages?.get(message) ?? 0
    if (count === 0 && this.#keys >= maxKeys) return true
    if (count === 0) this.#keys += 1
    if (messages === undefined) {
      messages = new Map()
      this.#counts.set(logger, messages)
    }
    messages.set(message, count + 1)
    if (count < this.#first) return true
    this.suppressed += 1
    return false
  }

  isDue(nowMs: number): boolean {
    return this.#keys > 0 && nowMs >= this.#endsMs
  }

  /** Ends the window. @returns the number of suppressed lines by message */
  end() {
    const result: { logger: string; message: string; suppressed: number }[] = []
    for (const [logger, messages] of this.#counts) {
      for (const [message, count] of messages) {
        if (count > this.#first) result.push({ logger, message, suppressed: count - this.#first })
      }
    }
    this.#counts.clear()
    this.#keys = 0
    return result
  }
}
