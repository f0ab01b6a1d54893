/** Declares the routes of one part of the API: each with its operation, its input and its answer. */
import { createRoute, type RouteConfig, type RouteHandler, type z } from '@hono/zod-openapi'
import { type AdminEnv, type Operation, operation } from '../api.ts'
import { createApi } from './compose.ts'

type Exchange = NonNullable<RouteConfig['request']> & { readonly [status: number]: RouteConfig['responses'][string] }

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** What a handler gives: the JSON of the answer, or a whole response. */
type Given<E extends Exchange> =
  | Response
  | (E[keyof E & number] extends { content: { 'application/json': { schema: infer S extends z.ZodType } } }
      ? z.output<S>
      : never)

type ContextOf<E extends Exchange> = Parameters<
  RouteHandler<{ method: Method; path: string; request: E; responses: Record<never, never> }, AdminEnv>
>[0]

/** @returns an application, and its `route('get /x', summary, { id, access }, { 200: reply(…) }, handler)` */
export function createRoutes() {
  const app = createApi()
  const route = <E extends Exchange>(
    at: `${Method} /${string}`,
    summary: string,
    described: Omit<Operation, 'summary'>,
    { params, query, headers, body, ...responses }: E,
    handler: (context: ContextOf<E>) => Given<E> | Promise<Given<E>>,
  ) => {
    const [method, path] = at.split(' ') as [Method, string]
    const parts = Object.entries({ params, query, headers, body }).filter(([, part]) => part !== undefined)
    const request = Object.fromEntries(parts)
    const status = Number(Object.keys(responses)[0])
    const declared = { ...operation({ ...described, summary }), method, path, request }
    app.openapi(createRoute({ ...declared, responses: responses as RouteConfig['responses'] }), async (context) => {
      const given = await handler(context as never)
      return (given instanceof Response ? given : context.json(given, status as never)) as never
    })
  }
  return { app, route }
}
