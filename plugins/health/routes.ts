/** The HTTP endpoints. Everything comes from memory. */
import { type Context, Hono } from 'hono'
import type { EventLoop } from '../../core/event-loop.ts'
import { problemResponse } from '../../core/http/problem.ts'
import type { Runtime } from '../../core/runtime-api.ts'
import type { Health } from './api.ts'
import type { HealthConfig } from './config.ts'
import { livenessItems, type ProbeItem, readinessItems, renderProbe, startupItems } from './readiness.ts'
import { basic, comprehensive, healthJson, type ReportInput } from './report.ts'

export interface RouteOptions {
  readonly health: Health
  readonly runtime: Pick<Runtime, 'status'>
  readonly eventLoop: Pick<EventLoop, 'pauseReason'>
  readonly settings: () => Pick<HealthConfig, 'ready' | 'details'>
  now(): number
}

/** How many `exclude` parameters are read. */
const maxExcludes = 100

const isLoopback = (url: string): boolean => /^https?:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|\/|$)/.test(url)

const noStore = { 'cache-control': 'no-store' }

const notFound = (detail: string): Response => problemResponse({ status: 404, title: 'Not found', detail })

const wantsHealthJson = (c: Context): boolean => (c.req.header('accept') ?? '').includes('application/health+json')

/** @returns the app with `/livez`, `/readyz`, `/startupz`, `/health` and `/health/comprehensive` */
export function healthRoutes({ health, runtime, eventLoop, settings, now }: RouteOptions): Hono {
  const app = new Hono()
  const mayShowDetails = (): boolean => {
    const { details } = settings()
    if (details !== 'auto') return details === 'always'
    const { listeners } = runtime.status()
    return listeners.length > 0 && listeners.every((listener) => isLoopback(listener.url))
  }
  const readiness = () =>
    readinessItems({
      runtime: runtime.status(),
      pauseReason: eventLoop.pauseReason,
      checks: health.checks(),
      mode: settings().ready,
    })
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
  const input = (): ReportInput => ({
    checks: health.checks(),
    off: health.off(),
    nowMs: now(),
    details: mayShowDetails(),
  })
  const report = (c: Context, from: ReportInput, body: { status: string }): Response => {
    const status = body.status === 'down' || body.status === 'fail' ? 503 : 200
    if (!wantsHealthJson(c)) return c.json(body, status, { ...noStore, vary: 'accept' })
    const headers = { ...noStore, vary: 'accept', 'content-type': 'application/health+json' }
    return c.body(JSON.stringify(healthJson(from, runtime.status().version)), status, headers)
  }
  app.get('/health', (c) => {
    const from = input()
    return report(c, from, basic(from))
  })
  app.get('/health/comprehensive', (c) => {
    const from = input()
    const group = c.req.query('group')
    if (group === undefined) return report(c, from, comprehensive(from))
    const checks = from.checks.filter((check) => check.groups.includes(group))
    if (checks.length === 0) return notFound('no check belongs to this group')
    const ofGroup = { ...from, checks, off: [] }
    return report(c, ofGroup, comprehensive(ofGroup))
  })
  return app
}
