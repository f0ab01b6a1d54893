/** PURE. The shape of a statement without its values, and what kind it is. */

export type QueryType = 'select' | 'insert' | 'update' | 'delete' | 'other'

export interface Fingerprint {
  /** One line, literals as `?`, at most 500 characters. */
  readonly text: string
  readonly type: QueryType
  /** Whether a transaction is open after it; undefined where it does not change that. */
  readonly opens: boolean | undefined
}

const types: readonly QueryType[] = ['select', 'insert', 'update', 'delete']
const maxLength = 500
const maxRead = 10_000

function typeOf(text: string): QueryType {
  const [, word = ''] = /^(\w+)/.exec(text) ?? []
  return types.find((type) => type === word.toLowerCase()) ?? 'other'
}

function opensOf(text: string): boolean | undefined {
  if (/^(begin|start transaction)\b/i.test(text)) return true
  if (/^(commit|end|abort|rollback(?! (work |transaction )?to\b)|prepare transaction)\b/i.test(text)) return false
  return undefined
}

/** Strikes out comments, strings, numbers and lists of values. */
export function fingerprint(sql: string): Fingerprint {
  const text = sql
    .slice(0, maxRead)
    .replace(/\/\*[\s\S]*?\*\/|--[^\n]*/g, ' ')
    .replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, '?')
    .replace(/\be?'(?:[^'\\]|''|\\.)*(?:'|$)/gi, '?')
    .replace(/'(?:[^']|'')*(?:'|$)/g, '?')
    .replace(/\$\d+|\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi, '?')
    .replace(/\s+/g, ' ')
    .replace(/\(\s*\?(?:\s*,\s*\?)*\s*\)(?:\s*,\s*\(\s*\?(?:\s*,\s*\?)*\s*\))*/g, '(?)')
    .trim()
  return { text: text.slice(0, maxLength), type: typeOf(text), opens: opensOf(text) }
}

/** Remembers fingerprints; begins anew when it is full. */
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
