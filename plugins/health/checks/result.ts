/** PURE. The bounds of a result, since a contributed check may return anything. */
import type { CheckResult } from '../api.ts'

const maxDetails = 50
const maxTextLength = 200
const statuses: readonly unknown[] = ['up', 'degraded', 'down']

const isShown = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))

/**
 * @param scrub removes secrets from a text
 * @returns the result with at most 50 details of at most 200 characters; down for a value that is not a result
 */
export function boundedResult(returned: unknown, scrub: (text: string) => string): CheckResult {
  const result = (returned ?? {}) as Partial<CheckResult>
  if (typeof returned !== 'object' || !statuses.includes(result.status)) {
    return { status: 'down', message: 'the check returned no result: expected { status: up, degraded or down }' }
  }
  const entries = Object.entries(typeof result.details === 'object' ? (result.details ?? {}) : {})
  const details = entries
    .filter(([, value]) => isShown(value))
    .slice(0, maxDetails)
    .map(([name, value]) => [name, typeof value === 'string' ? scrub(value).slice(0, maxTextLength) : value])
  return {
    status: result.status!,
    ...(result.message !== undefined && { message: String(result.message) }),
    ...(typeof result.latencyMs === 'number' && { latencyMs: result.latencyMs }),
    details: Object.fromEntries(details),
  }
}
