/** The one writer of problem details for errors over HTTP, and the titles of statuses. @see RFC 9457 */
import { redactMessage } from '../contract/redact/redactor.ts'

export interface Problem {
  /** HTTP status, 400-599. */
  readonly status: number
  /** Short and the same for every problem of its kind. @default the title of the status */
  readonly title?: string
  /** What happened this time. No secrets, no stack. */
  readonly detail?: string
  /** Stable upper-snake code of an error table. */
  readonly code?: string
  /** What to do. */
  readonly help?: string
  /** The request id, as a URN. */
  readonly instance?: string
  /** Extension members, `errors`. */
  readonly [member: string]: unknown
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
  414: 'URI too long',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  428: 'Precondition required',
  429: 'Too many requests',
  500: 'Internal server error',
  501: 'Not implemented',
  502: 'Bad gateway',
  503: 'Service unavailable',
}

/** @returns the title of a status, `Not found`; `Request failed` for a status without one */
export const problemTitle = (status: number): string => titles[status] ?? 'Request failed'

/** @returns an `application/problem+json` response with the members in the given order, without secrets */
export const problemResponse = (
  { status, title = problemTitle(status), ...rest }: Problem,
  headers: Record<string, string> = {},
): Response =>
  new Response(
    JSON.stringify({ type: 'about:blank', title, status, ...rest }, (_, value: unknown) =>
      typeof value === 'string' ? redactMessage(value) : value,
    ),
    {
      status,
      headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    },
  )
