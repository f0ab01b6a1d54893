/** The OpenAPI document: the declarations of the routes, and the errors that every operation may answer with. */
import { z } from '@hono/zod-openapi'

/** @see RFC 9457 */
export const ProblemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable code; docs/errors.md explains each.'),
    help: z.string().optional(),
    instance: z.string().optional().describe('The request id, as a URN.'),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().describe('JSON pointer into the body.'),
          parameter: z.string().optional(),
          detail: z.string(),
        }),
      )
      .optional(),
  })
  .openapi('Problem')

export interface DocumentOperation {
  readonly operationId: string
  readonly tags?: string[]
  summary?: string
  description?: string
  parameters?: { readonly name: string; readonly in: string; readonly description?: string }[]
  readonly requestBody?: { readonly content?: Record<string, { readonly schema?: unknown }> }
  responses: Record<string, { readonly description?: string; readonly content?: unknown }>
  security?: readonly Record<string, readonly string[]>[]
  readonly 'x-access': string
  readonly 'x-sensitive'?: boolean
  readonly 'x-read-only'?: boolean
  'x-errors'?: readonly number[]
  readonly 'x-plugin'?: string
}

export interface Document {
  readonly openapi: string
  readonly info: Record<string, unknown>
  readonly paths: Record<string, Record<string, DocumentOperation>>
  readonly components: Record<string, unknown>
  tags?: { name: string; description: string }[]
}

const descriptions: Readonly<Record<number, string>> = {
  400: 'The body cannot be read.',
  401: 'No valid key.',
  403: 'The key may not do this, or the request comes from a page that may not.',
  404: 'The resource or operation does not exist.',
  408: 'The body did not arrive in time.',
  409: 'The change collides with another one in progress.',
  412: 'The resource has changed since it was read.',
  413: 'The body is too large; of more than the listener takes, without a Problem.',
  415: 'The body is not JSON.',
  422: 'The request is not valid.',
  428: 'The change needs If-Match.',
  429: 'Too many requests, or too many failed attempts.',
  500: 'A fault of Arkwatch.',
  502: 'The command failed.',
  501: 'The operation needs a plugin that is not running.',
  503: 'The request cannot be recorded or stored, or a limit is reached.',
}

const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }

const changing = (method: string, operation: DocumentOperation) => method !== 'get' && operation['x-read-only'] !== true

/** The errors that every operation of a kind may answer with, whatever the handler does. */
export function commonErrors(method: string, operation: DocumentOperation): readonly number[] {
  const isOpen = operation['x-access'] === 'public'
  return [
    ...(operation.requestBody === undefined ? [] : [400, 413, 415, 422]),
    ...(method === 'get' ? [] : [400, 408, 413, 503]),
    ...((operation.parameters ?? []).length > 0 ? [422] : []),
    401,
    403,
    404,
    ...(method === 'post' && !isOpen ? [409, 422] : []),
    429,
    500,
    ...(operation['x-errors'] ?? []),
    ...(operation['x-plugin'] === undefined ? [] : [501]),
    ...(changing(method, operation) || operation['x-sensitive'] ? [503] : []),
  ]
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Makes repeating the request safe: the request runs once, and the answer is repeated for a day.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
}

const roleNotes: Readonly<Record<string, string>> = {
  public: 'For callers without a key, too.',
  viewer: 'For every role.',
  operator: 'For the roles operator and admin.',
  admin: 'For the role admin.',
  auditor: 'For the roles auditor and admin.',
}

/** Adds what every operation has. */
export function complete(document: Document): Document {
  const groups = new Set<string>()
  for (const methods of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      for (const tag of operation.tags ?? []) groups.add(tag)
      operation.responses = { ...operation.responses }
      for (const status of commonErrors(method, operation)) {
        operation.responses[status] ??= { description: descriptions[status], content: problemContent }
      }
      delete operation['x-errors']
      if (method === 'post' && operation['x-access'] !== 'public')
        operation.parameters = [...(operation.parameters ?? []), idempotencyKey]
      const needs = operation['x-plugin']
      operation.description = [
        roleNotes[operation['x-access']],
        ...(changing(method, operation) || operation['x-sensitive'] ? ['Each call is recorded.'] : []),
        ...(needs === undefined ? [] : [`Answers 501 without the plugin ${needs}.`]),
      ].join(' ')
      operation.security =
        operation['x-access'] === 'public' ? [{}] : [{ bearer: [] }, { adminKey: [] }, { session: [] }]
    }
  }
  const tags = [...groups].sort().map((name) => ({ name, description: `Operations of the group ${name}.` }))
  return { ...document, tags }
}
