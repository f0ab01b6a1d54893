/** A request path under observation. */

import type { RequestHooks } from '../../../core/contract/request-hooks.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { fallbackSink, LogHub } from '../../../core/process/log.ts'
import type { OwnedHooks } from '../../../core/requests/hook-set.ts'
import { createRequestPath } from '../../../core/requests/request-path.ts'

export interface Seen {
  readonly route: string
  readonly status: number
}

export const owned = (
  hooks: RequestHooks,
  plugin = 'probe',
  failed: (error: unknown) => void = () => {},
): OwnedHooks => ({
  plugin,
  hooks,
  failed,
  isUp: () => true,
  removed() {},
})

/** @returns a path whose only hook notes `METHOD pattern` and status of each request, and the log lines written */
export function observedPath(options: { maxRoutes?: number; hooks?: RequestHooks } = {}) {
  const lines: { level: string; message: string }[] = []
  const hub = new LogHub(
    systemClock,
    fallbackSink((line) => lines.push(JSON.parse(line))),
  )
  const log = hub.logger('core')
  const path = createRequestPath({ log, ...options })
  const seen: Seen[] = []
  const hooks: RequestHooks = {
    observe: (route, status) => {
      seen.push({ route: `${route.method} ${route.pattern}`, status })
    },
    ...options.hooks,
  }
  path.setHooks([owned(hooks)])
  /** What was seen since the last call, as `METHOD pattern status`. */
  const taken = () => {
    path.flush()
    return seen.splice(0).map(({ route, status }) => `${route} ${status}`)
  }
  return { path, seen, taken, lines, log, hooks }
}
