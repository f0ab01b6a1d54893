/** Errors as problem details. @see RFC 9457 */
import { HTTPException } from 'hono/http-exception'
import type { $ZodIssue } from 'zod/v4/core'
import { ArkwatchError, jsonPointer, type Problem, problemResponse, problemTitle } from '../../core/plugin.ts'
import { statusOf } from './errors.ts'

export interface InvalidPart {
  /** JSON pointer into the body. @see RFC 6901 */
  readonly pointer?: string
  /** Name of the query parameter, path parameter or header. */
  readonly parameter?: string
  readonly detail: string
}

/** What zod found, at its place. @param target `json` or where else the value came from */
export function invalidParts(target: string, issues: readonly $ZodIssue[]): readonly InvalidPart[] {
  return issues.slice(0, 20).map((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined]
    const path = [...issue.path, ...(keys[0] === undefined ? [] : [keys[0]])]
    const where = target === 'json' ? { pointer: jsonPointer(path) } : { parameter: path.map(String).join('.') }
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
  400: 'Send one JSON value; `{}` for an empty one.',
  415: 'Send the body as JSON, with the header `content-type: application/json`.',
}

/** @returns the problem that an error is to a client; nothing of an error that is not an ArkwatchError */
export function problemOf(error: unknown): Problem & { readonly code: string } {
  if (error instanceof ArkwatchError) {
    const errors = (error.details.errors as readonly InvalidPart[] | undefined) ?? configParts(error)
    const { code, message: detail, help } = error
    return { status: statusOf(error), detail, code, help, errors }
  }
  if (error instanceof HTTPException) {
    const { status, message } = error
    return { status, detail: message || problemTitle(status), code: `HTTP_${status}`, help: helpOf[status] }
  }
  const detail = 'The log of Arkwatch has the reason, under this request id.'
  return { status: 500, detail, code: 'INTERNAL' }
}

/** @returns the answer to a client, with the headers in `details.headers` of the error */
export function problemAnswer(error: unknown, requestId: string, headers: Record<string, string> = {}): Response {
  const own = error instanceof ArkwatchError ? (error.details.headers as Record<string, string> | undefined) : undefined
  return problemResponse({ ...problemOf(error), instance: `urn:request:${requestId}` }, { ...headers, ...own })
}
