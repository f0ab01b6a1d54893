/** `data/overlay.yaml`: the changes made at run time, apart from config.yaml. Read raw, patched, written whole. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { writeDraft } from '../../process/secret-file.ts'
import { isMap, type Plain, refused } from '../tree/json-merge-patch.ts'

export const overlayFile = (dataDir: string): string => join(dataDir, 'overlay.yaml')

const maxOverlayBytes = 256 * 1024

interface Overlay {
  /** Empty without a file. */
  readonly text: string
  readonly value: { readonly [key: string]: Plain }
  readonly etag: string
}

const etagOf = (text: string) => `"${Bun.hash(text).toString(36)}"`

/** @throws the YAML parser's error for a damaged file */
export function readOverlay(dataDir: string): Overlay {
  const file = overlayFile(dataDir)
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const value = text === '' ? {} : (parse(text) as Plain)
  return { text, value: isMap(value) ? value : {}, etag: etagOf(text) }
}

/** The text of an overlay; empty for an empty one. @throws CONFIG_PATCH for a text that is too large */
export function overlayText(value: { readonly [key: string]: Plain }): string {
  if (Object.keys(value).length === 0) return ''
  const text = `# Changes made at run time. They go over config.yaml; delete what you do not want.\n${stringify(value)}`
  if (text.length > maxOverlayBytes) throw refused(`it is larger than ${maxOverlayBytes} bytes`)
  return text
}

/** Replaces a file atomically and durably: readers see the old text or the new one, also after a loss of power. */
export function replaceFile(file: string, text: string): void {
  const draft = `${file}.new`
  writeDraft(draft, text)
  renameSync(draft, file)
  const directory = openSync(dirname(file), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** Writes the overlay; an empty text removes it. */
export function writeOverlay(dataDir: string, text: string): void {
  if (text === '') rmSync(overlayFile(dataDir), { force: true })
  else replaceFile(overlayFile(dataDir), text)
}
