/** Files of the data directory that one process writes and a later one reads. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { coreError, messageOf } from '../../contract/errors.ts'
import { readTextFileSync } from './text-file.ts'

/** An overlay of 1 MiB fits, escaped as JSON. */
const maxDataBytes = 8 * 1024 * 1024

const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes((error as { code: string }).code)

/** Writes a draft for its owner alone (0600), in place of an older one: whole and flushed to the disk, or not there. */
export function writeDraft(file: string, text: string): void {
  rmSync(file, { force: true })
  const descriptor = openSync(file, 'wx', 0o600)
  try {
    writeFileSync(descriptor, text)
    fsyncSync(descriptor)
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

function flushDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/**
 * Replaces a file atomically and durably: readers see the old text or the new one, also after a loss of power. Makes
 * the directory (0700) if missing.
 * @throws DATA_UNUSABLE
 */
export function replaceFile(file: string, text: string): void {
  const data = dirname(file)
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
    writeDraft(`${file}.new`, text)
    renameSync(`${file}.new`, file)
    flushDirectory(data)
  } catch (error) {
    throw coreError('DATA_UNUSABLE', { data, reason: messageOf(error) }, error)
  }
}

/** Removes a file durably, if there is one. @throws DATA_UNUSABLE */
export function removeFile(file: string): void {
  try {
    rmSync(file)
    flushDirectory(dirname(file))
  } catch (error) {
    if (isMissing(error)) return
    throw coreError('DATA_UNUSABLE', { data: dirname(file), reason: messageOf(error) }, error)
  }
}

/**
 * @param without what it means to start without the file
 * @param parse throws for a damaged text; the message must not quote the text
 * @returns undefined without a file
 * @throws DATA_FILE_DAMAGED, also for what is not a regular file of at most 8 MiB
 */
export function readDataFile<T>(file: string, without: string, parse: (text: string) => T): T | undefined {
  try {
    return parse(readTextFileSync(file, maxDataBytes))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw coreError('DATA_FILE_DAMAGED', { file, without, reason: messageOf(error) }, error)
  }
}
