/** PURE. The language of conditions: `[STATUS] == any(200, 429)`. */
import { parseDuration } from '../../../core/plugin.ts'

type Subject = 'status' | 'responseTime' | 'certificateExpiration' | 'body'
export type Operator = '==' | '!=' | '<=' | '>=' | '<' | '>'

/** The right side of a condition. */
export type Expected =
  | { readonly kind: 'value'; readonly value: string | number | boolean | null }
  /** A text with `*` for anything, cut at each `*`. */
  | { readonly kind: 'pattern'; readonly parts: readonly string[] }

export interface Condition {
  /** The condition as written. */
  readonly text: string
  readonly subject: Subject
  /** Of `body`: the path into its JSON; empty for the text itself. */
  readonly path: readonly (string | number)[]
  /** `len`: the length of the value; `has`: whether the value exists. */
  readonly of: 'value' | 'len' | 'has'
  readonly operator: Operator
  /** One of these must match. */
  readonly expected: readonly Expected[]
}

type Parsed = { readonly ok: true; readonly condition: Condition } | { readonly ok: false; readonly what: string }

const maxLength = 500
const subjects: Readonly<Record<string, Subject>> = {
  STATUS: 'status',
  RESPONSE_TIME: 'responseTime',
  CERTIFICATE_EXPIRATION: 'certificateExpiration',
  BODY: 'body',
}

const bad = (what: string) => ({ ok: false as const, what })

/** @param text `.a.b[0].c` @returns undefined for a text that is not such a path */
function parsePath(text: string): (string | number)[] | undefined {
  const path: (string | number)[] = []
  let rest = text
  while (rest !== '') {
    const [whole, key, index] = /^(?:\.([^.[\]\s]+)|\[(\d{1,6})\])/.exec(rest) ?? []
    if (whole === undefined) return undefined
    path.push(key ?? Number(index))
    rest = rest.slice(whole.length)
  }
  return path
}

function parseSubject(text: string): Pick<Condition, 'subject' | 'path' | 'of'> | string {
  const [, call, inner] = /^(len|has)\((.*)\)$/.exec(text) ?? []
  const [, name = '', rest = ''] = /^\[([A-Z_]+)\](.*)$/.exec((inner ?? text).trim()) ?? []
  const subject = subjects[name]
  if (subject === undefined) return `expected [${Object.keys(subjects).join('], [')}] on the left`
  const path = parsePath(rest)
  if (path === undefined) return `expected a path such as [BODY].data[0].id, got ${JSON.stringify(rest)}`
  if (subject !== 'body' && (path.length > 0 || call !== undefined))
    return `[${name}] has no parts, no len() and no has()`
  return { subject, path, of: (call as 'len' | 'has' | undefined) ?? 'value' }
}

const unquoted = (text: string): string | undefined => /^(["'])(.*)\1$/s.exec(text)?.[2]

function parseExpected(text: string, subject: Subject): Expected | string {
  const [, pattern] = /^pat\((.*)\)$/s.exec(text) ?? []
  if (pattern !== undefined) return { kind: 'pattern', parts: (unquoted(pattern.trim()) ?? pattern.trim()).split('*') }
  const quoted = unquoted(text)
  if (quoted !== undefined) return { kind: 'value', value: quoted }
  if (subject === 'body') {
    if (text === 'null') return { kind: 'value', value: null }
    if (text === 'true' || text === 'false') return { kind: 'value', value: text === 'true' }
  }
  if (/^-?\d+(\.\d+)?$/.test(text)) return { kind: 'value', value: Number(text) }
  if (subject === 'body') return { kind: 'value', value: text }
  const ms = subject === 'status' ? undefined : parseDuration(text)
  if (ms !== undefined) return { kind: 'value', value: ms }
  return subject === 'status'
    ? `expected a number, got ${JSON.stringify(text)}`
    : `expected a duration such as 48h or milliseconds, got ${JSON.stringify(text)}`
}

/** Cuts at the commas that are not within quotes. */
const split = (text: string): string[] => text.match(/(?:"[^"]*"|'[^']*'|[^,])+/g)?.map((each) => each.trim()) ?? []

/**
 * @param text `[STATUS] == any(200, 429)`, `[RESPONSE_TIME] < 500`, `[BODY].name == pat(x*)`, `len([BODY].items) > 0`,
 *   `has([BODY].error) == false`, `[CERTIFICATE_EXPIRATION] > 48h`
 * @returns the condition, or what is wrong with the text
 */
export function parseCondition(text: string): Parsed {
  if (text.length > maxLength) return bad(`expected at most ${maxLength} characters`)
  const [, left, operator, right] = /^\s*(.+?)\s*(==|!=|<=|>=|<|>)\s*(.*?)\s*$/s.exec(text) ?? []
  if (left === undefined) return bad('expected a comparison such as [STATUS] == 200')
  const subject = parseSubject(left)
  if (typeof subject === 'string') return bad(subject)
  if (right === '') return bad(`expected something on the right of ${operator}`)
  const [, several] = /^any\((.*)\)$/s.exec(right!) ?? []
  const expected: Expected[] = []
  for (const each of several === undefined ? [right!] : split(several)) {
    const one = parseExpected(each, subject.of === 'len' ? 'status' : subject.subject)
    if (typeof one === 'string') return bad(one)
    expected.push(one)
  }
  if (expected.length === 0) return bad('any() needs a value')
  const compares = operator === '==' || operator === '!='
  const isNumber = expected.length === 1 && expected[0]!.kind === 'value' && typeof expected[0]!.value === 'number'
  if (!compares && !isNumber) return bad(`${operator} compares with one number`)
  return { ok: true, condition: { text: text.trim(), ...subject, operator: operator as Operator, expected } }
}
