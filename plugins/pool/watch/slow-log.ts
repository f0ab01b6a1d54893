/** The latest slow statements, without their values. */
import type { Clock, Logger } from '../../../core/plugin.ts'
import type { SlowStatement } from '../api.ts'

/** Lines in a second; the others are counted and kept. */
const linesPerSecond = 10

export class SlowLog {
  /** In all. */
  count = 0
  private readonly kept: SlowStatement[] = []
  private second = 0
  private logged = 0

  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly limit = 200,
  ) {}

  add(entry: SlowStatement): void {
    this.count += 1
    this.kept.push(entry)
    if (this.kept.length > this.limit) this.kept.shift()
    const second = Math.floor(this.clock.monotonic() / 1_000)
    if (second !== this.second) this.logged = 0
    this.second = second
    this.logged += 1
    if (this.logged <= linesPerSecond) this.log.warn('slow statement', { ...entry })
  }

  /** Newest first. */
  latest(limit: number): SlowStatement[] {
    return this.kept.slice(-limit).reverse()
  }
}
