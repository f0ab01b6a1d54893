/** PURE. Splits SQL into statements as SQLite reads it, in one pass; refuses what a transaction cannot hold. */

/**
 * White space, comments, quoted names and texts, parameters (`$a(x)` is one), the end of a statement, else all up to
 * the next of these.
 */
const token =
  /\s+|--[^\n]*|\/\*.*?(?:\*\/|$)|'[^']*'?|"[^"]*"?|`[^`]*`?|\[[^\]]*\]?|[$@#:][\w$:\u0080-\uffff]*(?:\([^\s)]*\)?)?|;|[^\s;'"`[\-/$@#:]+|./gs
const skipped = /^(?:\s|--|\/\*)/
/** What neither ends the transaction around it nor reaches beyond the file. */
const allowed = new Set('with select values insert replace update delete create alter drop reindex analyze'.split(' '))

export interface SqlStatement {
  /** The first word, in lower case. */
  readonly verb: string
  /** Without the semicolon and the comments around it. */
  readonly text: string
}

/** Whether the statement of these words is a trigger, which holds statements of its own up to END. */
const isTrigger = ([verb, second, third]: readonly string[]): boolean =>
  verb === 'create' && (second === 'trigger' || (/^temp(orary)?$/.test(second ?? '') && third === 'trigger'))

export function statementsOf(sql: string): SqlStatement[] {
  const statements: SqlStatement[] = []
  /** The first words of the statement, and its last token but one and last token. */
  let words: string[] = []
  let before = ''
  let last = ''
  let start = 0
  let end = 0
  const finish = () => {
    if (words.length > 0) statements.push({ verb: /^\w*/.exec(words[0]!)![0], text: sql.slice(start, end) })
    words = []
  }
  for (const { 0: text, index } of sql.matchAll(token)) {
    if (skipped.test(text)) continue
    const closes = text === ';' && (!isTrigger(words) || (last === 'end' && before === ';'))
    before = last
    last = text.toLowerCase()
    if (closes) finish()
    else if (text !== ';' || words.length > 0) {
      if (words.length === 0) start = index
      if (words.length < 3) words.push(last)
      end = index + text.length
    }
  }
  finish()
  return statements
}

/** @throws an Error whose message is the reason, for a statement that may not be part of a transaction */
function checkVerb({ verb }: SqlStatement): void {
  if (allowed.has(verb)) return
  throw new Error(
    `a statement that begins with "${verb.slice(0, 30).toUpperCase()}" could end the transaction or leave the file`,
  )
}

/** @throws an Error whose message is the reason */
export function checkScript(sql: string): void {
  for (const statement of statementsOf(sql)) checkVerb(statement)
}

/** @returns the text of the only statement @throws an Error whose message is the reason */
export function onlyStatement(sql: string): string {
  const [first, ...others] = statementsOf(sql)
  if (first === undefined) throw new Error('the SQL holds no statement')
  checkVerb(first)
  if (others.length === 0) return first.text
  throw new Error(
    `the SQL holds ${others.length + 1} statements, of which only the first would run: make each a statement of its own`,
  )
}
