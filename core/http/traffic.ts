/** What is in flight, and the end of each request. */
import type { EndedRequests } from './ended-requests.ts'
import type { HookSet } from './hook-set.ts'
import type { RouteEntry } from './route-source.ts'

/** @returns the status of an answer: 101 for none (an upgrade), 500 for what is no response */
export function statusOf(answer: unknown): number {
  if (answer instanceof Response) return answer.status
  if (answer === undefined) return 101
  const status = (answer as { status?: unknown } | null)?.status
  return typeof status === 'number' ? status : 500
}

export class Traffic {
  /** Requests that have begun and not ended. */
  active = 0

  constructor(
    readonly hooks: HookSet,
    readonly ended: EndedRequests,
    readonly now: () => number,
  ) {}

  /** Ends a request. Called exactly once for each that began. */
  end(entry: RouteEntry, status: number, startedMs: number, request: Request): void {
    this.active -= 1
    const { hooks } = this
    if (!hooks.observed) return
    const endedMs = this.now()
    const route = status === 404 ? entry.notFound : entry.route
    this.ended.add(route.id, status, endedMs - startedMs, endedMs)
    if (hooks.observedAtOnce) hooks.observeRequest(route, status, endedMs - startedMs, endedMs, request)
  }
}
