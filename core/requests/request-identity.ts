/** The id and the trace id of a request, read from its headers. */

const idShape = /^[A-Za-z0-9._-]{1,128}$/
const traceShape = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/
const ids = new WeakMap<Request, string>()

/** Its `x-request-id` if that is 1-128 characters of `A-Za-z0-9._-`, else a new UUID, the same for the same request. */
export function requestIdOf(request: Request): string {
  const known = ids.get(request)
  if (known !== undefined) return known
  const incoming = request.headers.get('x-request-id')
  const id = incoming !== null && idShape.test(incoming) ? incoming : crypto.randomUUID()
  ids.set(request, id)
  return id
}

/**
 * The trace id of a valid `traceparent`: 32 lower-case hex digits, not all zero.
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function traceIdOf(request: Request): string | undefined {
  const header = request.headers.get('traceparent')
  if (header === null) return undefined
  const match = traceShape.exec(header)
  if (match === null) return undefined
  // Version 00 has exactly these four fields; a later version may add fields after a dash.
  const rest = header.slice(match[0].length)
  return rest === '' || (!header.startsWith('00') && rest.startsWith('-')) ? match[1] : undefined
}
