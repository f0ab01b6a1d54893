/** Chooses the route of a request among the routes that Hono matched. Pure. */

/** A route as in `app.routes`. */
export interface HonoRoute {
  readonly path: string
  readonly method: string
  readonly handler: unknown
}

type Handler = ((...args: never[]) => unknown) & { readonly [key: string | symbol]: unknown }

/** The original handler, which Hono stores under this mark if a sub-application with `onError` wraps the handler. */
const composedMark = (handler: Handler): unknown => {
  if (handler.__COMPOSED_HANDLER !== undefined) return handler.__COMPOSED_HANDLER
  const mark = Object.getOwnPropertySymbols(handler).find(({ description }) => description === 'composedHandler')
  return mark && handler[mark]
}

const targetOf = (handler: Handler): Handler => {
  const inner = composedMark(handler)
  return typeof inner === 'function' ? targetOf(inner as Handler) : handler
}

/** Whether a route is a handler, not middleware: it takes no `next`. @see hono/dev `isMiddleware` */
export const isTerminal = ({ handler }: HonoRoute): boolean =>
  typeof handler === 'function' && targetOf(handler as Handler).length < 2

export const isHonoRoute = (value: unknown): value is HonoRoute => {
  const route = value as Partial<HonoRoute> | null | undefined
  return typeof route?.path === 'string' && typeof route.method === 'string' && typeof route.handler === 'function'
}

/** @returns the first handler's route, else the last middleware's, else undefined */
export const chooseRoute = (matched: readonly HonoRoute[]): HonoRoute | undefined =>
  matched.find(isTerminal) ?? matched.at(-1)
