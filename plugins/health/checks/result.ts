/** PURE. The bounds of a result, since a contributed check may return anything. */
import { createRedactor, messageOf, redacted } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'

const maxDetails = 50
const maxTextLength = 200
const statuses: readonly unknown[] = ['up', 'degraded', 'down']

const redactor = createRedactor()

/** @returns the name and the value as they may be shown */
function detail([key, value]: [string, string | number | boolean], details: object, scrub: (text: string) => string) {
  const { secret, counts, name } = redactor.key(key, details)
  const isHidden = secret && value !== '' && (typeof value === 'string' || (typeof value === 'number' && !counts))
  if (isHidden) return [name, redacted]
  return [name, typeof value === 'string' ? scrub(value).slice(0, maxTextLength) : value]
}

const isShown = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))

/** @returns the result with at most 50 details of at most 200 characters; down for a value that is not a result */
export function boundedResult(returned: unknown, scrub: (text: string) => string): CheckResult {
  const result = (returned ?? {}) as Partial<CheckResult>
  if (typeof returned !== 'object' || !statuses.includes(result.status)) {
    const isObject = typeof returned === 'object' && returned !== null
    const seen = messageOf(isObject ? result.status : returned).slice(0, maxTextLength)
    const what = isObject ? `the status ${seen}` : seen
    return { status: 'down', message: `the check returned ${what}: expected { status: up, degraded or down }` }
  }
  const given = typeof result.details === 'object' ? (result.details ?? {}) : {}
  const details = Object.entries(given)
    .filter((entry): entry is [string, string | number | boolean] => isShown(entry[1]))
    .slice(0, maxDetails)
    .map((entry) => detail(entry, given, scrub))
  return {
    status: result.status!,
    ...(result.message !== undefined && { message: String(result.message) }),
    ...(typeof result.latencyMs === 'number' && { latencyMs: result.latencyMs }),
    details: Object.fromEntries(details),
  }
}
