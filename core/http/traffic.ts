/** What is in flight, and the end of each request. */
import type { Clock } from '../clock.ts'
import { EndedRequests } from './ended-requests.ts'
import type { HookSet } from './hook-set.ts'
import type { RouteEntry } from './route-source.ts'
import type { RouteTable } from './route-table.ts'

/** @returns the status of an answer: 101 for none (an upgrade), 500 for what is no response */
export function statusOf(answer: unknown): number {
  if (answer instanceof Response) return answer.status
  if (answer === undefined) return 101
  const status = (answer as { status?: unknown } | null)?.status
  return typeof status === 'number' ? status : 500
}

/** Everything that a request reads and writes of ours stands in this one object: it is cold each time. */
export class Traffic extends EndedRequests {
  /** Requests that have begun and not ended. */
  active = 0
  /** Whether requests need a scope. */
  scoped = false
  private observed = false
  private observedAtOnce = false

  constructor(hooks: HookSet, table: RouteTable, clock: Pick<Clock, 'monotonic' | 'after'>) {
    super(hooks, table, clock)
    this.now = clock.monotonic
    hooks.onChange = () => {
      this.scoped = hooks.scoped
      this.observed = hooks.observed
      this.observedAtOnce = hooks.observedAtOnce
    }
  }

  readonly now: () => number

  /** Ends a request. Called exactly once for each that began. */
  end(entry: RouteEntry, status: number, startedMs: number, request: Request): void {
    this.active -= 1
    if (!this.observed) return
    const endedMs = this.now()
    this.add(status === 404 ? entry.notFoundId : entry.id, status, endedMs - startedMs, endedMs)
    if (!this.observedAtOnce) return
    const route = status === 404 ? entry.notFound : entry.route
    this.hooks.observeRequest(route, status, endedMs - startedMs, endedMs, request)
  }
}
