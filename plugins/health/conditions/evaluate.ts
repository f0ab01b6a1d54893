/** PURE. The evaluation of conditions: the first one that does not hold, with the value seen. */
import type { Condition, Expected, Operator } from './parse.ts'

export interface Facts {
  readonly status: number
  readonly responseTimeMs: number
  /** The beginning of the body; undefined where the body was not read. */
  readonly body: string | undefined
  /** Remaining validity; undefined without a certificate. */
  readonly certificateMs: number | undefined
}

const maxShown = 64

/** @param parts a text cut at each `*` */
function fits(text: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts
  if (rest.length === 0) return text === first
  const last = rest.pop()!
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  let at = first.length
  const end = text.length - last.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

const isNumeric = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')

function equals(seen: unknown, expected: Expected): boolean {
  if (expected.kind === 'pattern')
    return seen !== undefined && typeof seen !== 'object' && fits(String(seen), expected.parts)
  if (seen === expected.value) return true
  if (typeof expected.value === 'number') return isNumeric(seen) && Number(seen) === expected.value
  return typeof expected.value === 'string' && typeof seen === 'number' && String(seen) === expected.value
}

const orders: Readonly<Record<Exclude<Operator, '==' | '!='>, (seen: number, limit: number) => boolean>> = {
  '<': (seen, limit) => seen < limit,
  '<=': (seen, limit) => seen <= limit,
  '>': (seen, limit) => seen > limit,
  '>=': (seen, limit) => seen >= limit,
}

function compare(seen: unknown, { operator, expected }: Condition): boolean {
  if (operator === '==') return expected.some((each) => equals(seen, each))
  if (operator === '!=') return !expected.some((each) => equals(seen, each))
  const [limit] = expected
  return isNumeric(seen) && limit?.kind === 'value' && orders[operator](Number(seen), Number(limit.value))
}

/** The body as JSON, parsed at most once; undefined where the body is not JSON. */
class Body {
  #json: { value: unknown } | undefined

  constructor(readonly text: string | undefined) {}

  /** @returns the value at the path, undefined without a value */
  at(path: Condition['path']): unknown {
    if (path.length === 0) return this.text
    let value = this.json
    for (const part of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
      value = (value as Record<string | number, unknown>)[part]
    }
    return value
  }

  get json(): unknown {
    try {
      this.#json ??= { value: JSON.parse(this.text ?? '') }
    } catch {
      this.#json = { value: undefined }
    }
    return this.#json.value
  }
}

function lengthOf(value: unknown): number | undefined {
  if (typeof value === 'string') return value.length
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined
}

function seenBy({ subject, path, of }: Condition, facts: Facts, body: Body): unknown {
  if (subject === 'status') return facts.status
  if (subject === 'responseTime') return facts.responseTimeMs
  if (subject === 'certificateExpiration') return facts.certificateMs
  const found = body.at(path)
  // The length of a whole body that is JSON is the length of the parsed value.
  if (of === 'len') return lengthOf(path.length === 0 && typeof body.json === 'object' ? body.json : found)
  return of === 'has' ? found !== undefined : found
}

/** The value seen, as text; never the whole body. */
function shown(condition: Condition, seen: unknown): string {
  if (seen === undefined) return 'nothing'
  if (condition.subject === 'body' && condition.path.length === 0 && condition.of === 'value') return 'the body'
  if (condition.subject === 'responseTime') return `${Math.round(Number(seen))} ms`
  if (condition.subject === 'certificateExpiration') return `${(Number(seen) / 3_600_000).toFixed(1)} h`
  const text = typeof seen === 'object' ? JSON.stringify(seen) : String(seen)
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text
}

/** @returns the first condition that does not hold, with the value seen, or undefined if all hold */
export function firstBroken(conditions: readonly Condition[], facts: Facts): string | undefined {
  const body = new Body(facts.body)
  for (const condition of conditions) {
    const seen = seenBy(condition, facts, body)
    if (!compare(seen, condition)) return `condition failed: ${condition.text}, got ${shown(condition, seen)}`
  }
  return undefined
}
