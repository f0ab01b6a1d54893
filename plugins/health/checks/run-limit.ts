/**
 * The limit of runs: how many checks run at one time, first come, first served, and how many begin within eight
 * milliseconds, so that checks that fall due together, and then end together, do not delay requests.
 */
import type { Clock } from '../../../core/plugin.ts'

const startsPerWindow = 4
const windowMs = 8

export class RunLimit {
  private taken = 0
  private startsLeft = startsPerWindow
  private readonly waiting: (() => void)[] = []

  constructor(
    private limitNow: number,
    private readonly clock: Pick<Clock, 'after'>,
  ) {}

  get limit(): number {
    return this.limitNow
  }

  set limit(limit: number) {
    this.limitNow = limit
    this.admit()
  }

  /** @returns a promise only where the run must wait */
  take(): Promise<void> | undefined {
    if (this.waiting.length === 0 && this.hasRoom()) {
      this.enter()
      return undefined
    }
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  give(): void {
    this.taken -= 1
    this.admit()
  }

  private hasRoom(): boolean {
    return this.taken < this.limitNow && this.startsLeft > 0
  }

  private enter(): void {
    this.taken += 1
    if (this.startsLeft === startsPerWindow) {
      this.clock.after(windowMs, () => {
        this.startsLeft = startsPerWindow
        this.admit()
      })
    }
    this.startsLeft -= 1
  }

  private admit(): void {
    while (this.waiting.length > 0 && this.hasRoom()) {
      this.enter()
      this.waiting.shift()!()
    }
  }
}
