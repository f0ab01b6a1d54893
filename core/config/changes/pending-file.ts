/** `data/overlay.pending.json`: by this record the next start rolls back a change that is not complete. */
import { join } from 'node:path'
import { readDataFile, removeFile, replaceFile } from '../../process/files/data-file.ts'
import { putBack } from './overlay-file.ts'

export interface Pending {
  readonly id: string
  /** The previous overlay. */
  readonly text: string
  /** The overlay with the change; absent in a record of an older version. */
  readonly written?: string | undefined
}

export interface Recovered {
  readonly id: string
  /** The file that keeps edits of the overlay. */
  readonly edits: string | undefined
}

const pendingFile = (dataDir: string) => join(dataDir, 'overlay.pending.json')

const parsePending = (json: string): Pending => {
  const { id, text, written } = (JSON.parse(json) ?? {}) as Partial<Pending>
  const isKnown = written === undefined || typeof written === 'string'
  if (typeof id === 'string' && typeof text === 'string' && isKnown) return { id, text, written }
  throw new Error('it is not the record of a pending change')
}

/** @throws DATA_FILE_DAMAGED */
export function readPending(dataDir: string): Pending | undefined {
  const without = 'the change that was not complete, in overlay.yaml, is then in force'
  return readDataFile(pendingFile(dataDir), without, parsePending)
}

export const writePending = (dataDir: string, { id, text, written }: Pending): void =>
  replaceFile(pendingFile(dataDir), JSON.stringify({ id, text, written }))

/** @throws DATA_UNUSABLE */
export const removePending = (dataDir: string): void => removeFile(pendingFile(dataDir))

/** Rolls back a change that was not complete when the process ended. @throws DATA_FILE_DAMAGED */
export function recoverPending(dataDir: string): Recovered | undefined {
  const pending = readPending(dataDir)
  if (pending === undefined) return undefined
  const edits = putBack(dataDir, pending.text, pending.written)
  removePending(dataDir)
  return { id: pending.id, edits }
}
