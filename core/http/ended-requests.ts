/**
 * Requests that have ended and that observers have not been told of yet. A request leaves four numbers; observers are told
 * of many requests in a row, while their code and their data are in the processor's caches.
 */
import type { Clock } from '../clock.ts'
import type { HookSet } from './hook-set.ts'
import type { RouteTable } from './route-table.ts'

/** Requests that may wait. */
export const mostWaiting = 128
/** The longest that observers are not told, in milliseconds. */
export const longestWaitMs = 20
/** Route id, status, duration, end. */
const fields = 4

export class EndedRequests {
  private count = 0
  private numbers = new Float64Array(mostWaiting * fields)
  /** Takes those that end while observers are told of the others. */
  #spare = new Float64Array(mostWaiting * fields)
  #armed = false
  #telling = false

  constructor(
    readonly hooks: HookSet,
    private readonly table: RouteTable,
    private readonly clock: Pick<Clock, 'after'>,
  ) {}

  /** @param endedMs `monotonic()` */
  protected add(routeId: number, status: number, durationMs: number, endedMs: number): void {
    const { numbers } = this
    const at = this.count * fields
    numbers[at] = routeId
    numbers[at + 1] = status
    numbers[at + 2] = durationMs
    numbers[at + 3] = endedMs
    this.count += 1
    if (at === 0) this.#arm()
    else if (this.count === mostWaiting) this.#full()
  }

  /** Tells the observers of all that wait, in the order in which they ended. */
  flush(): void {
    const { count, numbers } = this
    if (this.#telling || count === 0) return
    this.#telling = true
    this.numbers = this.#spare
    this.#spare = numbers
    this.count = 0
    try {
      this.hooks.observe(numbers, count, this.table.routes)
    } finally {
      this.#telling = false
    }
  }

  #full(): void {
    if (!this.#telling) {
      this.flush()
      return
    }
    // An observer makes requests itself: they are told at once, into the middle of the others.
    this.count = 0
    this.hooks.observe(this.numbers.slice(), mostWaiting, this.table.routes)
  }

  #arm(): void {
    if (this.#armed) return
    this.#armed = true
    this.clock.after(longestWaitMs, () => {
      this.#armed = false
      this.flush()
    })
  }
}
