/** `${env:NAME}`, `${env:NAME:-default}`, `${file:/path}` and `$$`. */
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { messageOf } from '../../contract/errors.ts'
import { readTextFileSync } from '../../process/files/text-file.ts'

interface Expansion {
  readonly text: string
  /** The whole text is one expansion. */
  readonly whole: boolean
  /** Files that were read, absolute. */
  readonly files: readonly string[]
  readonly failures: readonly Failure[]
}

type Failure =
  | { readonly code: 'CONFIG_ENV_UNSET'; readonly variable: string }
  | { readonly code: 'CONFIG_FILE_UNREADABLE'; readonly file: string; readonly reason: string }
  | { readonly code: 'CONFIG_EXPANSION'; readonly what: string }

/** @returns the text, no byte order mark @throws for a file that is unreadable, irregular, over 1 MiB or UTF-16 */
export function readText(file: string): string {
  const text = readTextFileSync(file)
  if (text.includes('\0')) throw new Error('it is not text in UTF-8')
  return text.replace(/^\uFEFF/, '')
}

const marker = /\$\$|\$\{([^}]*)(\}?)/g
const variable = /^env:([A-Za-z_]\w*)(:-(.*))?$/s

/** Expands a text once; paths are relative to the file `from`. As in a shell, `:-` applies to an empty variable too. */
export function expand(text: string, from: string, env: Readonly<Record<string, string | undefined>>): Expansion {
  const files: string[] = []
  const failures: Failure[] = []
  const value = (inner: string): string => {
    const [, name, hasDefault, fallback = ''] = variable.exec(inner) ?? []
    if (name !== undefined) {
      const found = env[name]
      if (hasDefault !== undefined) return found || fallback
      if (found === undefined) failures.push({ code: 'CONFIG_ENV_UNSET', variable: name })
      return found ?? ''
    }
    if (!inner.startsWith('file:') || inner === 'file:') {
      failures.push({ code: 'CONFIG_EXPANSION', what: `\${${inner}}` })
      return ''
    }
    const file = resolve(dirname(from), inner.slice('file:'.length))
    files.push(file)
    try {
      return readText(file).replace(/\r?\n$/, '')
    } catch (thrown) {
      failures.push({ code: 'CONFIG_FILE_UNREADABLE', file, reason: messageOf(thrown) })
      return ''
    }
  }
  let whole = false
  const expanded = text.replace(marker, (match, inner: string | undefined, end: string) => {
    if (match === '$$') return '$'
    whole = match.length === text.length
    if (end === '}') return value(inner!)
    failures.push({ code: 'CONFIG_EXPANSION', what: 'what begins with ${ and has no }' })
    return match
  })
  return { text: expanded, whole, files, failures }
}

/** @returns the value of a plain YAML scalar with this text: number, boolean, null or the text */
export function typed(text: string): unknown {
  if (text === '' || text === '~') return null
  return /^[-+]?\.?\w[\w.+-]*$/.test(text) && !text.startsWith('---') ? parse(text) : text
}
