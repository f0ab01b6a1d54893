/** A bound on how many checks run at one time: first come, first served. */
export class Slots {
  private taken = 0
  private readonly waiting: (() => void)[] = []

  constructor(public limit: number) {}

  get waitingCount(): number {
    return this.waiting.length
  }

  /** @returns a promise only if there is no room */
  take(): Promise<void> | undefined {
    if (this.taken < this.limit) {
      this.taken += 1
      return undefined
    }
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  give(): void {
    const next = this.taken <= this.limit ? this.waiting.shift() : undefined
    if (next === undefined) this.taken -= 1
    else next()
  }
}
