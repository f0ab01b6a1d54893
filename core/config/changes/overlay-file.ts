/** `data/overlay.yaml`: the changes made at run time, apart from config.yaml. Read raw, patched, written whole. */
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { readDataFile, removeFile, replaceFile } from '../../process/files/data-file.ts'
import { isMap, type Plain, refused, refuseLong } from '../tree/json-merge-patch.ts'

export const overlayFile = (dataDir: string): string => join(dataDir, 'overlay.yaml')

const maxOverlayBytes = 256 * 1024

interface Overlay {
  /** Empty without a file. */
  readonly text: string
  readonly value: { readonly [key: string]: Plain }
  readonly etag: string
}

const etagOf = (text: string) => `"${Bun.hash(text).toString(36)}"`

const heading = '# Changes made at run time. They go over config.yaml; delete what you do not want.\n'

/** As written here. @returns undefined for a text that somebody else wrote */
function parseOwn(text: string): unknown {
  try {
    return text.startsWith(heading) ? JSON.parse(text.slice(heading.length)) : undefined
  } catch {
    return undefined
  }
}

/** The parser's own message would quote the file, and perhaps a secret. */
function parseOverlay(text: string): Overlay['value'] {
  try {
    // The parser's search for repeated keys takes quadratic time; the reading of the configuration finds them.
    const value = parseOwn(text) ?? parse(text, { uniqueKeys: false }) ?? {}
    if (isMap(value)) return value
  } catch {}
  throw new Error('it is not a map in YAML, as `arkwatch check` shows')
}

/** @throws DATA_FILE_DAMAGED */
export function readOverlay(dataDir: string): Overlay {
  const without = 'the settings of config.yaml are then in force'
  const read = (text: string) => ({ text, value: parseOverlay(text), etag: etagOf(text) })
  return readDataFile(overlayFile(dataDir), without, read) ?? read('')
}

/** Bytes of JSON that become YAML in less than five milliseconds. */
const maxYamlBytes = 1_024

/** The text of an overlay; empty for an empty one. @throws CONFIG_PATCH for a text that is too large */
export function overlayText(value: { readonly [key: string]: Plain }): string {
  if (Object.keys(value).length === 0) return ''
  const json = refuseLong(value)
  if (json.length > maxOverlayBytes) throw refused(`it is larger than ${maxOverlayBytes} bytes`)
  // JSON is YAML, too.
  return `${heading}${json.length > maxYamlBytes ? `${json}\n` : stringify(value)}`
}

/** Writes the overlay; an empty text removes it. @throws DATA_UNUSABLE */
export function writeOverlay(dataDir: string, text: string): void {
  if (text === '') removeFile(overlayFile(dataDir))
  else replaceFile(overlayFile(dataDir), text)
}

/** Where {@link putBack} keeps an overlay that was edited. */
const editedFile = (dataDir: string): string => join(dataDir, 'overlay.edited.yaml')

/**
 * Writes the overlay from before a change again. Edits by hand are kept in `data/overlay.edited.yaml`.
 * @param written the overlay with the change; undefined where it is not known
 * @returns the file with the edits, if there were any @throws DATA_UNUSABLE
 */
export function putBack(dataDir: string, text: string, written: string | undefined): string | undefined {
  let seen: string | undefined
  try {
    seen = readDataFile(overlayFile(dataDir), '', (found) => found) ?? ''
  } catch {}
  // A full disk takes no write, not even of what is there.
  if (seen === text) return undefined
  const isEdited = seen !== undefined && written !== undefined && seen !== written
  if (isEdited) replaceFile(editedFile(dataDir), seen!)
  writeOverlay(dataDir, text)
  return isEdited ? editedFile(dataDir) : undefined
}
