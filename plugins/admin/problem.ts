/** Errors as problem details. @see RFC 9457 */
import { HTTPException } from 'hono/http-exception'
import type { $ZodIssue } from 'zod/v4/core'
import { ArkwatchError } from '../../core/plugin.ts'
import { statusOf } from './errors.ts'

/** One thing wrong with a request. */
export interface InvalidPart {
  /** JSON pointer into the body. @see RFC 6901 */
  readonly pointer?: string
  /** Name of the query parameter, path parameter or header. */
  readonly parameter?: string
  readonly detail: string
}

export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  /** What to do. */
  readonly help?: string
  /** The request's id, as a URN. */
  readonly instance?: string
  readonly errors?: readonly InvalidPart[]
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not acceptable',
  408: 'Request timeout',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Content too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  428: 'Precondition required',
  429: 'Too many requests',
  500: 'Internal server error',
  501: 'Not implemented',
  502: 'Bad gateway',
  503: 'Service unavailable',
}
export const titleOf = (status: number): string => titles[status] ?? 'Request failed'

const escapePointer = (part: PropertyKey) => String(part).replaceAll('~', '~0').replaceAll('/', '~1')
export const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${escapePointer(part)}`).join('')

/** What zod found, at its place. @param target `json` or where else the value came from */
export function invalidParts(target: string, issues: readonly $ZodIssue[]): readonly InvalidPart[] {
  return issues.slice(0, 20).map((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined]
    const path = [...issue.path, ...(keys[0] === undefined ? [] : [keys[0]])]
    const where = target === 'json' ? { pointer: pointerOf(path) } : { parameter: path.map(String).join('.') }
    return { ...where, detail: issue.message }
  })
}

/** Problems of a configuration, where an error carries them. */
function configParts(error: ArkwatchError): readonly InvalidPart[] | undefined {
  const problems = (error as { problems?: unknown }).problems ?? error.details.problems
  if (!Array.isArray(problems)) return undefined
  return problems
    .slice(0, 20)
    .map(({ pointer, message, help }) => ({ pointer, detail: help === undefined ? message : `${message} ${help}` }))
}

/** What to do about an error of the framework. */
const helpOf: Readonly<Record<number, string>> = {
  400: 'Send one JSON value; `{}` where there is nothing to say.',
  415: 'Send the body as JSON, with the header `content-type: application/json`.',
}

/** @returns the problem that an error is to a client; nothing of an error that is not ours */
export function problemOf(error: unknown): ProblemBody {
  if (error instanceof ArkwatchError) {
    const status = statusOf(error)
    const errors = (error.details.errors as readonly InvalidPart[] | undefined) ?? configParts(error)
    const { code, message, help } = error
    return {
      type: 'about:blank',
      title: titleOf(status),
      status,
      detail: message,
      code,
      help,
      ...(errors && { errors }),
    }
  }
  if (error instanceof HTTPException) {
    const { status } = error
    const help = helpOf[status]
    return {
      type: 'about:blank',
      title: titleOf(status),
      status,
      detail: error.message || titleOf(status),
      code: `HTTP_${status}`,
      ...(help !== undefined && { help }),
    }
  }
  const detail = 'The log of Arkwatch has the reason, under this request id.'
  return { type: 'about:blank', title: titleOf(500), status: 500, detail, code: 'INTERNAL' }
}

/** @returns the answer to a client */
export function problemAnswer(error: unknown, requestId: string, headers: Record<string, string> = {}): Response {
  const body: ProblemBody = { ...problemOf(error), instance: `urn:request:${requestId}` }
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  })
}
