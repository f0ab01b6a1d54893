/** The count of requests in progress, and the batch of ended requests that observers will receive (decision 0008). */
import type { Clock } from '../contract/clock.ts'
import { outsideRequests } from '../contract/foreign/outside-requests.ts'
import type { HookSet } from './hook-set.ts'
import type { RouteEntry } from './routes/route-entry.ts'
import { type RouteTable, statuses } from './routes/route-table.ts'

/** The size of a batch, in requests. */
export const mostWaiting = 128
/** The longest time from the end of a request to its batch, in milliseconds. */
export const longestWaitMs = 20
/** Numbers of one request: route and status combined, duration, end. */
const fields = 3
const lastAt = (mostWaiting - 1) * fields

/** Whether a status fits into the batch: an integer below 1,024. */
export const isStatus = (status: number | undefined): status is number => (status! & (statuses - 1)) === status

/** @returns the status of an answer: 101 for undefined (an upgrade), 500 for anything that is not a response */
export function statusOf(answer: unknown): number {
  if (answer === undefined) return 101
  const status = (answer as { status?: number } | null)?.status
  return isStatus(status) ? status : 500
}

/** Fields that each request reads and writes come first, to share a line of the processor's cache (decision 0007). */
export class Traffic {
  /** False while every hook is `observe`, so that the end of a request only stores numbers. */
  slowPath = true
  active = 0
  /** The index of the next request's numbers. */
  private at = 0
  private numbers = new Float64Array(mostWaiting * fields)
  readonly now: () => number
  scoped = false
  private observed = false
  private requestObserved = false
  /** The batch for requests that end while observers are being notified. */
  private spare = new Float64Array(mostWaiting * fields)
  private armed = false
  private notifying = false
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
      this.requestObserved = hooks.requestObserved
      this.slowPath = !hooks.observed || hooks.requestObserved || hooks.scoped
    }
  }

  /** Ends a request. Called exactly once for each request. */
  end(entry: RouteEntry, status: number, startedMs: number, request: Request): void {
    if (!this.observed) {
      this.active -= 1
      return
    }
    const endedMs = this.endPlain(entry, status, startedMs)
    if (!this.requestObserved) return
    const route = status === 404 ? entry.notFound : entry.route
    this.hooks.observeRequest(route, status, endedMs - startedMs, endedMs, request)
  }

  /** Ends a request while {@link Traffic.slowPath} is false. @returns `monotonic()` */
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

  /** Notifies the observers of the batch, in the order in which the requests ended. */
  flush(): void {
    const { at, numbers } = this
    if (this.notifying || at === 0) return
    this.notifying = true
    this.numbers = this.spare
    this.spare = numbers
    this.at = 0
    try {
      outsideRequests(() => this.hooks.observe(numbers, at, this.table.routes))
    } finally {
      this.notifying = false
    }
  }

  private full(): void {
    if (!this.notifying) {
      this.flush()
      return
    }
    // An observer makes requests itself: their batch is passed on immediately, in the middle of the other batch.
    this.at = 0
    outsideRequests(() => this.hooks.observe(this.numbers.slice(), mostWaiting * fields, this.table.routes))
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
