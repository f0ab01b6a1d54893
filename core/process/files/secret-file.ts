/** Files in the data directory, each with one secret, for their owner alone. */
import { linkSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { coreError, messageOf } from '../../contract/errors.ts'
import { writeDraft } from './data-file.ts'
import { readTextFileSync } from './text-file.ts'

const failure = (file: string, reason: string, cause?: unknown) => coreError('SECRET_FILE', { file, reason }, cause)

/** @returns the trimmed text of the file, or undefined without a file @throws SECRET_FILE */
export function readSecretFile(file: string): string | undefined {
  const info = lstatSync(file, { throwIfNoEntry: false })
  if (info === undefined) return undefined
  if (!info.isFile()) throw failure(file, 'it is not a regular file')
  if ((info.mode & 0o077) !== 0) throw failure(file, `others may read it (mode ${(info.mode & 0o777).toString(8)})`)
  let text: string
  try {
    text = readTextFileSync(file).trim()
  } catch (error) {
    throw failure(file, messageOf(error), error)
  }
  // The file appears whole: a secret that was in use is lost, and a new one must not take its place unnoticed.
  if (text === '') throw failure(file, 'it is empty')
  return text
}

/**
 * Reads or makes a secret, and its directory (0700). The file appears whole or not at all.
 * @param form what `make` makes, where the secret is never one of people @throws SECRET_FILE
 */
export function readOrMakeSecret(
  file: string,
  make: () => string,
  form = /./,
): { readonly text: string; readonly made: boolean } {
  const found = readSecretFile(file)
  if (found !== undefined && !form.test(found)) throw failure(file, 'it is not the secret that was made: it is damaged')
  if (found !== undefined) return { text: found, made: false }
  const text = make()
  const draft = `${file}.${process.pid}.new`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeDraft(draft, `${text}\n`)
    linkSync(draft, file)
    return { text, made: true }
  } catch (error) {
    throw failure(file, messageOf(error), error)
  } finally {
    rmSync(draft, { force: true })
  }
}
