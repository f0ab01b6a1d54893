/** The one Hono application of the plugins' public routes. */
import { type Handler, Hono } from 'hono'
import type { HTTPException } from 'hono/http-exception'
import { ArkwatchError, errorOf, httpStatusOf } from '../contract/errors.ts'
import { show } from '../contract/redact/redactor.ts'
import { headAsGet } from './head.ts'
import { problemResponse } from './problem.ts'

export interface MountedRoutes {
  readonly plugin: string
  readonly routes: Hono
  /** Called with the error that a route threw. */
  failed(error: unknown): void
}

/** Also of another copy of Hono. */
const isHttpException = (error: unknown): error is HTTPException =>
  error instanceof Error && typeof (error as Partial<HTTPException>).getResponse === 'function'

const notFound = () => problemResponse({ status: 404 })

/** What a client may see of an error: the status of an HTTPException, a declared error with a status, else nothing. */
function answerOf(error: unknown): Response {
  const status = httpStatusOf(error)
  if (status !== undefined && error instanceof ArkwatchError) {
    const { message: detail, code, help } = error
    return problemResponse({ status, detail, code, help })
  }
  if (!isHttpException(error)) return problemResponse({ status: 500 })
  if (error.res !== undefined) return error.getResponse()
  return problemResponse({ status: error.status, ...(error.message && { detail: error.message }) })
}

/**
 * The handler, answering only Responses and throwing only Errors: Hono's `onError` receives nothing else. Length and
 * marks tell handlers from middleware.
 */
function throwingErrors(handler: Handler): Handler {
  const call: Handler = async (context, next) => {
    try {
      const answer: unknown = await handler(context, next)
      if (answer instanceof Response) return answer
      // A middleware may return nothing, or what `next()` returned: the context.
      if (context.finalized && (answer === undefined || answer === context)) return
      if (answer === undefined) throw new TypeError('a route returned nothing: `return` the Response')
      throw new TypeError(`a route returned ${show(answer)}: expected a Response`)
    } catch (thrown) {
      throw errorOf(thrown)
    }
  }
  return Object.assign(Object.defineProperty(call, 'length', { value: handler.length }), handler)
}

/**
 * @throws what reading the routes throws, and for a path that no router takes: it would fail the requests of every
 * plugin
 */
function partOf({ routes, failed }: MountedRoutes): Hono {
  const part = new Hono()
  part.onError((error) => {
    const declared = isHttpException(error) ? error.status < 500 : httpStatusOf(error) !== undefined
    if (!declared) failed(error)
    return answerOf(error)
  })
  // Hono of another copy, which a plugin may bring along, would answer errors by the default of that copy.
  if (routes instanceof Hono) part.route('/', routes)
  else for (const { method, path, handler } of (routes as Hono).routes) part.on(method, path, handler as Handler)
  for (const route of part.routes) route.handler = throwingErrors(route.handler as Handler)
  part.router.match('GET', '/')
  return part
}

/**
 * Mounts every plugin's routes at the root, in order. A middleware of a plugin holds for the paths that it names.
 * Routes that cannot be mounted are left out.
 */
export function composeApp(mounted: readonly MountedRoutes[]): Hono {
  const app = new Hono()
  app.notFound(notFound)
  app.onError(answerOf)
  for (const each of mounted) {
    try {
      app.route('/', partOf(each))
    } catch (error) {
      each.failed(error)
    }
  }
  app.fetch = headAsGet(app.fetch)
  return app
}
