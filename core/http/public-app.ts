/** The one Hono application of the plugins' public routes. */
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { problemResponse } from './problem.ts'

export interface MountedRoutes {
  readonly plugin: string
  readonly routes: Hono
  /** Called with the error that a route threw. */
  failed(error: unknown): void
}

const notFound = () => problemResponse({ status: 404 })

/** What a client may see of an error: the status of an HTTPException, else nothing. */
function answerOf(error: unknown): Response {
  if (!(error instanceof HTTPException)) return problemResponse({ status: 500 })
  if (error.res !== undefined) return error.getResponse()
  return problemResponse({ status: error.status, ...(error.message && { detail: error.message }) })
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
