/** PURE. PostgreSQL's arrays as text. @see https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */

/** @param write gives the text of one element @param delimiter `;` for boxes, `,` for all others */
export function writeArray(values: readonly unknown[], write: (value: unknown) => string, delimiter = ','): string {
  const items = values.map((value) => {
    if (value === null || value === undefined) return 'NULL'
    if (Array.isArray(value)) return writeArray(value, write, delimiter)
    return `"${write(value).replace(/[\\"]/g, '\\$&')}"`
  })
  return `{${items.join(delimiter)}}`
}

/** @param text as the server writes it, also with bounds, `[0:1]={1,2}` @param read takes the text of one element */
export function readArray(text: string, read: (text: string) => unknown, delimiter = ','): unknown[] {
  let at = text.indexOf('{')
  const list = (): unknown[] => {
    const values: unknown[] = []
    at += 1
    while (at < text.length && text[at] !== '}') {
      if (text[at] === delimiter) at += 1
      else if (text[at] === '{') values.push(list())
      else values.push(text[at] === '"' ? read(quoted()) : plain())
    }
    at += 1
    return values
  }
  const quoted = (): string => {
    let value = ''
    for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
      if (text[at] === '\\') at += 1
      value += text[at]
    }
    at += 1
    return value
  }
  const plain = (): unknown => {
    const from = at
    while (at < text.length && text[at] !== delimiter && text[at] !== '}') at += 1
    const value = text.slice(from, at)
    return value === 'NULL' ? null : read(value)
  }
  return at === -1 ? [] : list()
}
