/** The one Hono application of the plugins' public routes. */
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { problemResponse } from './problem.ts'

export interface MountedRoutes {
  readonly plugin: string
  readonly routes: Hono
  /** Told what a route threw. */
  failed(error: unknown): void
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Content too large',
  429: 'Too many requests',
  503: 'Service unavailable',
}

const notFound = () => problemResponse({ status: 404, title: 'Not found' })

/** What a client may see of an error: the status of an HTTPException, else nothing. */
function answerOf(error: unknown): Response {
  if (!(error instanceof HTTPException)) return problemResponse({ status: 500, title: 'Internal server error' })
  if (error.res !== undefined) return error.getResponse()
  const title = titles[error.status] ?? 'Request failed'
  return problemResponse({ status: error.status, title, ...(error.message && { detail: error.message }) })
}

/** Mounts every plugin's routes at the root, in order. A middleware of a plugin holds for the paths that it names. */
export function composeApp(mounted: readonly MountedRoutes[]): Hono {
  const app = new Hono()
  app.notFound(notFound)
  app.onError(answerOf)
  for (const { routes, failed } of mounted) {
    const part = new Hono()
    part.onError((error) => {
      if (!(error instanceof HTTPException) || error.status >= 500) failed(error)
      return answerOf(error)
    })
    part.route('/', routes)
    app.route('/', part)
  }
  return app
}
