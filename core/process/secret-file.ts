/** Files in the data directory for their owner alone: with one secret each, and drafts. */
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { coreError, messageOf } from '../contract/errors.ts'

/** Writes a file (0600) that is complete on the disk before it gets its name, in place of an older draft. */
export function writeDraft(file: string, text: string): void {
  rmSync(file, { force: true })
  const descriptor = openSync(file, 'wx', 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const failure = (file: string, reason: string, cause?: unknown) => coreError('SECRET_FILE', { file, reason }, cause)

/** @returns the trimmed text of the file, or undefined without a file @throws SECRET_FILE */
export function readSecretFile(file: string): string | undefined {
  const info = lstatSync(file, { throwIfNoEntry: false })
  if (info === undefined) return undefined
  if (!info.isFile()) throw failure(file, 'it is not a regular file')
  if ((info.mode & 0o077) !== 0) throw failure(file, `others may read it (mode ${(info.mode & 0o777).toString(8)})`)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw failure(file, messageOf(error), error)
  }
}

/** Reads or makes a secret, and its directory (0700). The file appears whole or not at all. @throws SECRET_FILE */
export function readOrMakeSecret(file: string, make: () => string): { readonly text: string; readonly made: boolean } {
  const found = readSecretFile(file)
  if (found !== undefined && found !== '') return { text: found, made: false }
  const text = make()
  const draft = `${file}.${process.pid}.new`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeDraft(draft, `${text}\n`)
    if (found === '') rmSync(file)
    linkSync(draft, file)
    return { text, made: true }
  } catch (error) {
    throw failure(file, messageOf(error), error)
  } finally {
    rmSync(draft, { force: true })
  }
}
