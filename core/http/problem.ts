/** Problem details for errors over HTTP. */

/** @see RFC 9457 section 3.1 */
export interface Problem {
  /** HTTP status, 400-599. */
  readonly status: number
  /** Short and the same for every problem of its kind. */
  readonly title: string
  /** What happened this time. No secrets, no stack. */
  readonly detail?: string
  /** Stable upper-snake code of an error table. */
  readonly code?: string
}

/** @returns an `application/problem+json` response */
export const problemResponse = ({ status, title, ...rest }: Problem, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify({ type: 'about:blank', title, status, ...rest }), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  })
