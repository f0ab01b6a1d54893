/** The newest lines, bounded by number and by characters. Pure. */
import type { LogEntry, RecentOptions } from '../api.ts'
import { createFilter } from '../levels/level-tree.ts'

export class RingBuffer {
  #entries: (LogEntry | undefined)[] = []
  #first = 0
  #count = 0
  #characters = 0
  #maxLines = 0
  #maxCharacters = 0

  /** Takes new bounds and keeps the newest lines that fit. */
  resize(maxLines: number, maxCharacters: number): void {
    const kept = this.recent().slice(maxLines === 0 ? this.#count : -maxLines)
    this.#entries = new Array(maxLines)
    this.#first = this.#count = this.#characters = 0
    this.#maxLines = maxLines
    this.#maxCharacters = maxCharacters
    for (const entry of kept) this.push(entry)
  }

  push(entry: LogEntry): void {
    const { length } = entry.line
    if (this.#maxLines === 0 || length > this.#maxCharacters) return
    while (this.#count === this.#maxLines || this.#characters + length > this.#maxCharacters) this.#shift()
    this.#entries[(this.#first + this.#count) % this.#maxLines] = entry
    this.#count += 1
    this.#characters += length
  }

  #shift(): void {
    this.#characters -= this.#entries[this.#first]!.line.length
    this.#entries[this.#first] = undefined
    this.#first = (this.#first + 1) % this.#maxLines
    this.#count -= 1
  }

  /** @returns the matching lines, oldest first */
  recent({ limit = Number.POSITIVE_INFINITY, ...filter }: RecentOptions = {}): LogEntry[] {
    const matches = createFilter(filter)
    const found: LogEntry[] = []
    for (let index = this.#count - 1; index >= 0 && found.length < limit; index -= 1) {
      const entry = this.#entries[(this.#first + index) % this.#maxLines]!
      if (matches(entry)) found.push(entry)
    }
    return found.reverse()
  }
}
