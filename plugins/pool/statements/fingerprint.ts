/** PURE. The fingerprint of a statement: its text without values, and its type. */
import type { StatementStats } from '../api.ts'

export type QueryType = 'select' | 'insert' | 'update' | 'delete' | 'other'

export interface Fingerprint {
  /** 16 hexadecimal digits, of `text`. */
  readonly id: string
  /** One line, literals as `?`, at most 500 characters. */
  readonly text: string
  readonly type: QueryType
  /** Whether a transaction is open after it; undefined where it does not change that. */
  readonly opens: boolean | undefined
  /** Whether it may leave settings, locks, cursors, temporary tables or a transaction behind in the session. */
  readonly marks: boolean
  /** Where statements of this fingerprint are counted; set at the first. */
  row?: StatementRow
}

/** Number and time of the statements of one fingerprint. */
export type StatementRow = { -readonly [Key in keyof Omit<StatementStats, 'meanMs'>]: StatementStats[Key] } & {
  /** One of them as it was sent, with `$1` for its parameters: for EXPLAIN only, since it may hold literals. */
  sample: string | undefined
}

const types: readonly QueryType[] = ['select', 'insert', 'update', 'delete']
const maxLength = 500
const maxRead = 10_000

function typeOf(text: string): QueryType {
  const [, word = ''] = /^(\w+)/.exec(text) ?? []
  const first = word.toLowerCase() === 'with' ? mainVerb(text) : word.toLowerCase()
  return types.find((type) => type === first) ?? 'other'
}

/** The verb behind the common table expressions of a WITH. */
function mainVerb(text: string): string {
  let depth = 0
  for (const [token] of text.matchAll(/[()]|\b(?:select|insert|update|delete)\b/gi)) {
    if (token === '(') depth += 1
    else if (token === ')') depth -= 1
    else if (depth === 0) return token.toLowerCase()
  }
  return ''
}

/** `SET LOCAL` and its like end with their transaction. */
const marking =
  /^(set(?! (local|transaction|constraints)\b)|reset|listen|declare|load|create (local |global )?(temp|temporary)\b)|\b(set_config|pg_(try_)?advisory_lock(_shared)?)\s*\(|\binto (temp|temporary)\b/i

function opensOf(text: string): boolean | undefined {
  if (/^(begin|start transaction)\b/i.test(text)) return true
  if (/^(commit|end|abort|rollback(?! (work |transaction )?to\b)|prepare transaction)\b/i.test(text)) return false
  return undefined
}

/** In one pass, since each may hold the others: comments, `$tag$…$tag$`, `E'…'`, `'…'`, `"…"`, parameters, numbers. */
const tokens =
  /\/\*[\s\S]*?(?:\*\/|$)|--[^\n]*|\$([a-z_]\w*|)\$[\s\S]*?(?:\$\1\$|$)|\be'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$\d+|\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi

/** `text` with `?` for its strings and numbers, without comments. */
export const withoutLiterals = (text: string): string =>
  text.replace(tokens, (token) => {
    if (token.startsWith('"')) return token
    return token.startsWith('--') || token.startsWith('/*') ? ' ' : '?'
  })

/** Strikes out comments, strings, numbers and lists of values. */
export function fingerprint(sql: string): Fingerprint {
  const text = withoutLiterals(sql.slice(0, maxRead))
    .replace(/\s+/g, ' ')
    .replace(/\(\s*\?(?:\s*,\s*\?)*\s*\)(?:\s*,\s*\(\s*\?(?:\s*,\s*\?)*\s*\))*/g, '(?)')
    .trim()
  const shown = text.slice(0, maxLength)
  const id = Bun.hash.wyhash(shown).toString(16).padStart(16, '0')
  return { id, text: shown, type: typeOf(text), opens: opensOf(text), marks: marking.test(text) || /;\s*\S/.test(text) }
}

/** Caches fingerprints; a full cache is cleared. */
export class Fingerprints {
  private readonly byText = new Map<string, Fingerprint>()
  private readonly byTemplate = new WeakMap<object, Fingerprint>()

  constructor(private readonly limit = 1_000) {}

  ofText(sql: string): Fingerprint {
    let found = this.byText.get(sql)
    if (found === undefined) {
      found = fingerprint(sql)
      if (sql.length > maxRead) return found
      if (this.byText.size >= this.limit) this.byText.clear()
      this.byText.set(sql, found)
    }
    return found
  }

  ofTemplate(strings: readonly string[]): Fingerprint {
    let found = this.byTemplate.get(strings)
    if (found === undefined) {
      found = fingerprint(strings.join('?'))
      this.byTemplate.set(strings, found)
    }
    return found
  }
}
