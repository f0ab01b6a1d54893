/**
 * What is in flight, and the requests that have ended and that observers have not been told of yet. A request leaves three
 * numbers; observers are told of many requests in a row, while their code and their data are in the processor's caches.
 */
import type { Clock } from '../contract/clock.ts'
import type { HookSet } from './hook-set.ts'
import type { RouteEntry } from './routes/route-entry.ts'
import { type RouteTable, statuses } from './routes/route-table.ts'

/** Requests that may wait. */
export const mostWaiting = 128
/** The longest that observers are not told, in milliseconds. */
export const longestWaitMs = 20
/** Route and status in one, duration, end. */
const fields = 3
const lastAt = (mostWaiting - 1) * fields

/** Whether it can be one: an integer below 1,024. */
export const isStatus = (status: number | undefined): status is number => (status! & (statuses - 1)) === status

/** @returns the status of an answer: 101 for none (an upgrade), 500 for what is no response */
export function statusOf(answer: unknown): number {
  if (answer === undefined) return 101
  const status = (answer as { status?: number } | null)?.status
  return isStatus(status) ? status : 500
}

/** The fields that each request reads and writes come first: they are cold each time, and so share a line of the cache. */
export class Traffic {
  /** Set unless requests leave numbers and nothing else is wanted of them. Not a boolean: it costs more to look at. */
  special: true | undefined = true
  /** Requests that have begun and not ended. */
  active = 0
  /** Where the numbers of the next one go. */
  private at = 0
  private numbers = new Float64Array(mostWaiting * fields)
  /** `monotonic()` */
  readonly now: () => number
  /** Whether requests need a scope. */
  scoped = false
  private observed = false
  private observedAtOnce = false
  /** Takes those that end while observers are told of the others. */
  private spare = new Float64Array(mostWaiting * fields)
  private armed = false
  private telling = false
  readonly hooks: HookSet
  private readonly table: RouteTable
  private readonly clock: Pick<Clock, 'after'>

  constructor(hooks: HookSet, table: RouteTable, clock: Pick<Clock, 'monotonic' | 'after'>) {
    this.now = clock.monotonic
    this.hooks = hooks
    this.table = table
    this.clock = clock
    hooks.onChange = () => {
      this.scoped = hooks.scoped
      this.observed = hooks.observed
      this.observedAtOnce = hooks.observedAtOnce
      this.special = hooks.observed && !hooks.observedAtOnce && !hooks.scoped ? undefined : true
    }
  }

  /** Ends a request. Called exactly once for each that began. */
  end(entry: RouteEntry, status: number, startedMs: number, request: Request): void {
    if (!this.observed) {
      this.active -= 1
      return
    }
    const endedMs = this.endPlain(entry, status, startedMs)
    if (!this.observedAtOnce) return
    const route = status === 404 ? entry.notFound : entry.route
    this.hooks.observeRequest(route, status, endedMs - startedMs, endedMs, request)
  }

  /** The same while not {@link Traffic.special}. @returns `monotonic()` */
  endPlain(entry: RouteEntry, status: number, startedMs: number): number {
    const endedMs = this.now()
    const { numbers, at } = this
    this.active -= 1
    numbers[at] = (status === 404 ? entry.notFoundCode : entry.code) + status
    numbers[at + 1] = endedMs - startedMs
    numbers[at + 2] = endedMs
    this.at = at + fields
    if (at === 0) this.arm()
    else if (at === lastAt) this.full()
    return endedMs
  }

  /** Tells the observers of all that wait, in the order in which they ended. */
  flush(): void {
    const { at, numbers } = this
    if (this.telling || at === 0) return
    this.telling = true
    this.numbers = this.spare
    this.spare = numbers
    this.at = 0
    try {
      this.hooks.observe(numbers, at, this.table.routes)
    } finally {
      this.telling = false
    }
  }

  private full(): void {
    if (!this.telling) {
      this.flush()
      return
    }
    // An observer makes requests itself: they are told at once, into the middle of the others.
    this.at = 0
    this.hooks.observe(this.numbers.slice(), mostWaiting * fields, this.table.routes)
  }

  private arm(): void {
    if (this.armed) return
    this.armed = true
    this.clock.after(longestWaitMs, () => {
      this.armed = false
      this.flush()
    })
  }
}
