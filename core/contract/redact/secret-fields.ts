/**
 * The secrets of a text that stand beside their key: `password=x`, `"apiKey": "x"`, `Cookie: a=b`. A scanner that moves
 * forward only, since an expression for this grammar backtracks. Pure.
 */
import { backslashesBefore, closingQuote, isBoundary, isQuote } from './quoted.ts'
import { isSignature, type KeyKind } from './secret-keys.ts'
import type { Span } from './spans.ts'

const separator = /[=:]/g
/** Letters, digits, `_`, `-`, `.`, `$`, `%`, and whatever is not ASCII. */
const isKeyCode = (code: number) =>
  (code > 96 && code < 123) ||
  (code > 47 && code < 58) ||
  (code > 64 && code < 91) ||
  code > 127 ||
  code === 95 ||
  code === 45 ||
  code === 46 ||
  code === 36 ||
  code === 37
/** What looks like a key and is the place of a line of code, or the name of an error before its message. */
const noKey = /(?:\.[cm]?[jt]sx?|Error|Exception)$/
/** The name of a file behind its directory, in an error about the file: `data/admin.key: anyone may read it`. */
const fileName = /\.(?:key|pem|pepper|secret|token)$/
/** An event of a part of the program: `auth: session expired`. */
const sentence = /^(?:auth|csrf):[ \t]+[a-z]+[ \t]/i
/** What names the key of the `value` that follows, in `name: DB_PASSWORD, value: x`. */
const isName = /^(?:name|key)$/i
const isValue = /^value$/i
const namedKey = /\s{0,16}\\{0,8}["'`]?([\w.$%-]{2,128})(?=\\{0,8}["'`]|[\s,;}\]]|$)/y
/** Between a name and its value. */
const maxBetween = 200
/** Keys whose value has blanks in it. */
const header = /(?:authorization|cookie)$/i
/** Not secret: what is not in objects either, a text that was redacted before, and a sentence about a secret. */
const prose =
  'a an are at by cannot could does empty expected expired failed for from got has in incorrect invalid is malformed missing must ' +
  'no none not of on or refused rejected required see should the to too unauthorized unknown unset use was wrong you ' +
  'EACCES EISDIR ELOOP EMFILE ENOENT ENOTDIR EPERM EROFS'
const open = new RegExp(
  `^(?:null|true|false|undefined|\\[(?:redacted|hmac:[0-9a-f]{16})\\]|${prose.replaceAll(' ', '|')}):?$`,
)

/** A number of tokens in a text; a longer one may be a token. */
const count = /^\d{1,9}$/

const blank = /[^ \t]/g
const space = /\S/g
const noBackslash = /[^\\]/g
const unquotedEnd = /[\s\\,;&]/g
/** What follows a `,` or `;` that ends a value: a blank, another key; behind a quote, a quote or what JSON escapes. */
const nextField = /\s|[\w.%[\]-]+[=:]|$/y
/** A value of JSON without quotes. */
const literal = /(?:-?\d[\d.eE+-]*|null|true|false)(?=[\s,}\]\\]|$)/y
/** The end of a line behind a key of YAML; behind `|` or `>` a block of indented lines is the value. */
const lineBreak = /[ \t]*([|>][-+\d]{0,2}[ \t]*)?(?:\r?\n)+([ \t]*)/y
/** Another key. */
const field = /[\w.$%-]+["'`]?(?::(?=\s|$)|=[^\s=])/y
const closer = /["'`\\]/
const trailing = /["'`)}\]>\\]/
const lineEnd = /["'`\r\n]/g
const lineFeed = /\n/g
const bracket = /[[\]{}"'`]/g

/** @returns the offset of the next match of a global expression, or the end of the text */
function next(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex - 1 : text.length
}

/** The end of what stands in brackets; a bracket that never closes ends with the text. */
function structureEnd(text: string, at: number): number {
  let depth = 0
  for (let index = at; index < text.length; index = next(bracket, text, index + 1)) {
    if (isQuote(text.charCodeAt(index))) {
      const closing = closingQuote(text, index, true)
      if (closing < 0) return text.length
      index = closing
    } else {
      depth += text[index] === '[' || text[index] === '{' ? 1 : -1
      if (depth === 0) return index + 1
    }
  }
  return text.length
}

/** The end of a value in braces as ODBC writes it: `}}` is a brace of the value. */
function braceEnd(text: string, at: number): number {
  for (let index = text.indexOf('}', at); index >= 0; index = text.indexOf('}', index + 2))
    if (text[index + 1] !== '}') return index + 1
  return text.length
}

/** The end of a value without quotes: a blank, or what separates the value from the next key. */
function wordEnd(text: string, start: number, from: number, isParameter: boolean): number {
  let end = next(unquotedEnd, text, from)
  for (; end < text.length; end = next(unquotedEnd, text, end + 1)) {
    const mark = text[end]!
    if (mark === '\\') {
      if (/\s/.test(text[end + 1] ?? '')) end += 1
      continue
    }
    if (mark !== ',' && mark !== ';' && (mark !== '&' || isParameter)) break
    const isQuoted = isQuote(text.charCodeAt(end - 1))
    if (isQuoted && closer.test(text[end + 1] ?? '')) break
    nextField.lastIndex = end + 1
    if (!nextField.test(text)) continue
    if (isQuoted || !isParameter || /\s/.test(text[end + 1] ?? ' ')) break
  }
  while (end > start && trailing.test(text[end - 1]!)) end -= 1
  return end
}

/** The end of the value of a header: of its line, or of the quoted text that the header stands in. */
function headerEnd(text: string, start: number): number {
  let end = next(lineEnd, text, start)
  for (; end < text.length && isQuote(text.charCodeAt(end)); end = next(lineEnd, text, end + 1)) {
    const opening = end - backslashesBefore(text, end)
    if (opening > start && text[opening - 1] === '=') {
      end = closingQuote(text, end, true)
      if (end < 0) return text.length
    } else if (text[end] === '"' || /^[\s,)}\]\\]?$/.test(text[end + 1] ?? '')) return Math.max(start, opening)
  }
  return end
}

/** The end of the lines that are indented as the first one. */
function blockEnd(text: string, start: number, indent: string): number {
  let end = next(lineFeed, text, start)
  for (let at = end; at < text.length; at = next(lineFeed, text, at + 1)) {
    if (text.startsWith(indent, at + 1)) end = next(lineFeed, text, at + 1)
    else if (text[at + 1] !== '\n' && text[at + 1] !== '\r') break
  }
  return text[end - 1] === '\r' ? end - 1 : end
}

/** The word that begins a line; nothing where that is another key, or a sentence that is not indented. */
function nextLineWord(text: string, start: number, indent: string): Span {
  field.lastIndex = start
  if (field.test(text)) return [start, start]
  const end = wordEnd(text, start, start, false)
  return [start, indent !== '' || next(space, text, end) >= next(lineFeed, text, end) ? end : start]
}

/** @returns the value behind a separator, which may stand on the next line */
function valueAt(text: string, key: string, from: number, isQuotedKey: boolean, isParameter: boolean): Span {
  lineBreak.lastIndex = from
  const [lineEnd, block, indent = ''] = (text[from - 1] === ':' && lineBreak.exec(text)) || []
  const start = lineEnd === undefined ? next(blank, text, from) : from + lineEnd.length
  if (block !== undefined) return [start, indent === '' ? start : blockEnd(text, start, indent)]
  const quoted = isQuotedKey ? next(space, text, start) : start
  const quote = next(noBackslash, text, quoted)
  if (isQuote(text.charCodeAt(quote))) {
    const end = closingQuote(text, quote)
    return [quote + 1, end < 0 ? text.length : end - Math.min(backslashesBefore(text, end), quote - quoted)]
  }
  if (text[quoted] === '{' || text[quoted] === '[') {
    const isOdbc = text[quoted] === '{' && text[quoted + 1] !== '"' && text[from - 1] === '='
    const end = Math.max(structureEnd(text, quoted), isOdbc ? braceEnd(text, quoted) : 0)
    return [quoted, isBoundary(text, end) ? end : wordEnd(text, end, end, isParameter)]
  }
  literal.lastIndex = quoted
  if (isQuotedKey && literal.test(text)) return [quoted, literal.lastIndex]
  if (lineEnd !== undefined) return nextLineWord(text, start, indent)
  return [start, header.test(key) ? headerEnd(text, start) : wordEnd(text, start, start, isParameter)]
}

/** @param kindOf the rule of a key @param found gets the spans of secrets */
export function findFields(text: string, kindOf: (key: string) => KeyKind, found: Span[]): void {
  let named: KeyKind = 'open'
  let namedAt = 0
  for (let at = next(separator, text, 0); at < text.length; at = next(separator, text, at + 1)) {
    if (text[at] === ':' && text[at + 1] === ':') {
      at += 1
      continue
    }
    let end = at
    while (text.charCodeAt(end - 1) <= 32) end -= 1
    const isQuotedKey = isQuote(text.charCodeAt(end - 1))
    if (isQuotedKey) end -= 1 + backslashesBefore(text, end - 1)
    else while (text[end - 1] === ']' || text[end - 1] === '[') end -= 1
    let start = end
    while (start > 0 && isKeyCode(text.charCodeAt(start - 1))) start -= 1
    if (end - start < 2) continue
    const key = text.slice(start, end)
    const isParameter = text[start - 1] === '?' || text[start - 1] === '&'
    const from = text[at + 1] === '=' || text[at + 1] === '>' ? at + 2 : at + 1
    if (isName.test(key)) {
      namedKey.lastIndex = from
      named = kindOf(namedKey.exec(text)?.[1] ?? '')
      namedAt = from
    }
    const isNamed = isValue.test(key) && start - namedAt <= maxBetween && !text.slice(namedAt, start).includes('}')
    const kind = isNamed && named !== 'open' ? named : kindOf(key)
    if (kind === 'open' && !(isParameter && isSignature(key))) continue
    if (!isQuotedKey && text[at] === ':' && (noKey.test(key) || sentence.test(text.slice(start, at + 64)))) continue
    if (text[start - 1] === '/' && /^: ./.test(text.slice(at, at + 3)) && fileName.test(key)) continue
    if (isNamed) named = 'open'
    const value = valueAt(text, key, from, isQuotedKey, isParameter)
    if (value[1] <= value[0]) continue
    const shown = text.slice(...value)
    const isCount = kind === 'count' && count.test(shown) && !isQuote(text.charCodeAt(value[0] - 1))
    if (!isCount && !open.test(shown)) found.push(value)
    at = Math.max(at, value[1] - 1)
  }
}
