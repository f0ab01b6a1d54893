/** The bounded buffer of lines that wait for a sink. Pure. */

export class LineBuffer {
  #lines: string[] = []
  #next = 0
  /** Characters that wait. */
  waiting = 0

  get isEmpty(): boolean {
    return this.#next === this.#lines.length
  }

  get count(): number {
    return this.#lines.length - this.#next
  }

  /** @param line with its line end @param max characters that may wait @returns false where the line does not fit */
  push(line: string, max: number): boolean {
    if (this.waiting + line.length > max) return false
    this.#lines.push(line)
    this.waiting += line.length
    return true
  }

  /** The bytes of the next line, without taking the line; 0 without one. */
  nextBytes(): number {
    return this.isEmpty ? 0 : Buffer.byteLength(this.#lines[this.#next]!)
  }

  /** Takes whole lines of at most `maxBytes` in all, at least one. */
  take(maxBytes: number): Buffer {
    const from = this.#next
    let bytes = 0
    while (this.#next < this.#lines.length) {
      const line = this.#lines[this.#next]!
      bytes += Buffer.byteLength(line)
      if (bytes > maxBytes && this.#next > from) break
      this.#next += 1
      this.waiting -= line.length
    }
    const chunk = Buffer.from(this.#lines.slice(from, this.#next).join(''))
    if (this.#next === this.#lines.length || this.#next > 4_096) {
      this.#lines = this.#lines.slice(this.#next)
      this.#next = 0
    }
    return chunk
  }
}
