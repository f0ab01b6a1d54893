/** PURE. What differs between before and after, without secrets, and bounded. */
import { createRedactor, jsonPointer, redacted } from '../../../core/plugin.ts'

export interface Difference {
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

export const maxDifferences = 100
const maxDepth = 16
const maxText = 1_000
/** What is read of a longer text, whose last characters may be a part of a secret and are left out. */
const [maxRead, maxSplit] = [8_192, 512]
/** Beside the names that are secret everywhere: a record may be kept for years, and is read by auditors. */
const alsoSecret = /key|token|pwd|dsn|private|seed/i
/** Names that hold one of those words and are no secrets. */
const harmlessName = /^(key_?id|keys?_?count|public_?key|pubkey|tokens_?total)$/i
const redactor = createRedactor({ strict: true })

/** Replaces what must not be kept. @param hide gives what stands for a secret */
export function scrub(value: unknown, hide: (value: string) => string, name = '', depth = 0, map?: object): unknown {
  // A value that was hidden before has no fingerprint: that of the text would be the same for every secret.
  if (value === null || value === undefined || typeof value === 'boolean' || value === redacted) return value
  const { secret, counts } = redactor.key(name, map)
  const isCount = counts && typeof value === 'number'
  const isSecret = (secret || alsoSecret.test(name)) && !harmlessName.test(name) && !isCount
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    if (isSecret && value !== '') return hide(String(value))
    if (typeof value !== 'string') return typeof value === 'bigint' ? String(value) : value
    if (value.length > maxRead)
      return `${redactor.text(value.slice(0, maxRead), maxRead, hide).slice(0, -maxSplit).slice(0, maxText)}…`
    const clean = redactor.text(value, value.length, hide)
    return clean.length > maxText ? `${clean.slice(0, maxText)}…` : clean
  }
  if (typeof value !== 'object' || depth >= maxDepth) return typeof value === 'object' ? '[deep]' : undefined
  if (Array.isArray(value)) return value.slice(0, maxDifferences).map((each) => scrub(each, hide, name, depth + 1))
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 1_000)
      .map(([key, each]) => [key, scrub(each, hide, isSecret ? name : key, depth + 1, value)]),
  )
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The leaves that differ, by JSON pointer (RFC 6901). Lists are compared as a whole. */
export function differences(before: unknown, after: unknown, path = ''): readonly Difference[] {
  if (Object.is(before, after) || JSON.stringify(before) === JSON.stringify(after)) return []
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return keys
      .flatMap((key) => differences(before[key], after[key], `${path}${jsonPointer([key])}`))
      .slice(0, maxDifferences)
  }
  return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }]
}
