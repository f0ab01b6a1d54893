/** PURE. How many attempts each address made, for so many addresses. */
export const maxAddresses = 1_000
const others = 'other addresses'

export class AttemptCounts {
  readonly #counts = new Map<string, number>()

  add(address: string): void {
    const key = this.#counts.has(address) || this.#counts.size < maxAddresses ? address : others
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  /** @returns what was counted, and begins anew */
  take(): readonly (readonly [string, number])[] {
    const all = [...this.#counts]
    this.#counts.clear()
    return all
  }
}
