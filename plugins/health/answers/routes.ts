/** The HTTP endpoints of health. Every answer comes from memory. */
import { type Context, Hono } from 'hono'
import { type Clock, type EventLoop, problemResponse, type Runtime } from '../../../core/plugin.ts'
import type { Health } from '../api.ts'
import type { HealthConfig } from '../config.ts'
import { actuatorJson, foreignShape, foreignTypes, terminusJson } from './foreign-shapes.ts'
import { livenessItems, type ProbeItem, readinessItems, renderProbe, startupItems } from './readiness.ts'
import { basic, comprehensive, healthJson, type ReportInput } from './report.ts'

export interface RouteOptions {
  readonly health: Health
  readonly runtime: Pick<Runtime, 'status'>
  readonly eventLoop: Pick<EventLoop, 'pauseReason'>
  readonly settings: () => Pick<HealthConfig, 'ready' | 'details'>
  /** Changes with every change of a status or of the checks themselves. */
  version(): number
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
}

const maxExcludes = 100

/** How long an answer is repeated, in milliseconds. A key with the version shows a change of status immediately. */
const keepMs = 100
const maxAnswers = 32

const isLoopback = (url: string): boolean => /^https?:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|\/|$)/.test(url)

const healthType = 'application/health+json'
const noStore = { 'cache-control': 'no-store' }

const notFound = (detail: string): Response => problemResponse({ status: 404, title: 'Not found', detail })

/** The routes of {@link healthRoutes}. */
export const healthPaths = [
  ...['livez', 'readyz', 'startupz'].flatMap((probe) => [`GET /${probe}`, `GET /${probe}/:name`]),
  ...['GET /health', 'GET /health/comprehensive'],
]

/** @returns the app with {@link healthPaths} */
export function healthRoutes({ health, runtime, eventLoop, settings, version, clock }: RouteOptions): Hono {
  const app = new Hono()
  const mayShowDetails = (): boolean => {
    const { details } = settings()
    if (details !== 'auto') return details === 'always'
    const { listeners } = runtime.status()
    return listeners.length > 0 && listeners.every((listener) => isLoopback(listener.url))
  }
  const readiness = () => {
    const { pauseReason } = eventLoop
    return readinessItems({ runtime: runtime.status(), pauseReason, checks: health.checks(), mode: settings().ready })
  }
  const probes: Readonly<Record<string, () => readonly ProbeItem[]>> = {
    livez: livenessItems,
    readyz: readiness,
    startupz: () => startupItems(runtime.status()),
  }
  for (const [probe, items] of Object.entries(probes)) {
    const answer = (c: Context, parts: readonly ProbeItem[]): Response => {
      const query = {
        verbose: c.req.query('verbose') !== undefined,
        exclude: (c.req.queries('exclude') ?? []).slice(0, maxExcludes),
        details: mayShowDetails(),
      }
      const { ok, text } = renderProbe(probe, parts, query)
      return c.text(text, ok ? 200 : 503, { ...noStore, 'content-type': 'text/plain; charset=utf-8' })
    }
    app.get(`/${probe}`, (c) => answer(c, items()))
    app.get(`/${probe}/:name`, (c) => {
      const name = c.req.param('name')
      const part = items().filter((item) => item.name === name)
      return part.length > 0 ? answer(c, part) : notFound(`${probe} has no part of this name`)
    })
  }
  const answers = new Map<string, { readonly isBad: boolean; readonly body: string; readonly untilMs: number }>()
  const report = (c: Context, kind: 'basic' | 'comprehensive', group?: string): Response => {
    const details = mayShowDetails()
    const accept = c.req.header('accept') ?? ''
    const shape = accept.includes(healthType) ? undefined : foreignShape(accept)
    const type = shape ? foreignTypes[shape] : accept.includes(healthType) ? healthType : 'application/json'
    const { stopping, paused } = runtime.status()
    const key = JSON.stringify([version(), details, type, stopping, paused, kind, group])
    const make = () => {
      const all = health.checks()
      const input: ReportInput = {
        checks: group === undefined ? all : all.filter((check) => check.groups.includes(group)),
        off: group === undefined ? health.off() : [],
        nowMs: clock.now(),
        details,
        paused,
      }
      const write = shape && { actuator: actuatorJson, terminus: terminusJson }[shape]
      const own = kind === 'basic' ? basic(input) : comprehensive(input)
      const shown = type === healthType ? healthJson(input, runtime.status().version) : own
      // Both frameworks answer 503 while they stop.
      const isBad = own.status === 'down' || (write !== undefined && stopping)
      return { isBad, body: JSON.stringify(write ? write(input, stopping) : shown) }
    }
    const nowMs = clock.monotonic()
    const kept = answers.get(key)
    const answer = kept !== undefined && nowMs < kept.untilMs ? kept : { ...make(), untilMs: nowMs + keepMs }
    if (answers.size >= maxAnswers && kept === undefined) answers.clear()
    answers.set(key, answer)
    return c.body(answer.body, answer.isBad ? 503 : 200, { ...noStore, vary: 'accept', 'content-type': type })
  }
  app.get('/health', (c) => report(c, 'basic'))
  app.get('/health/comprehensive', (c) => {
    const group = c.req.query('group')
    const isKnown = group === undefined || health.checks().some((check) => check.groups.includes(group))
    return isKnown ? report(c, 'comprehensive', group) : notFound('no check belongs to this group')
  })
  return app
}
