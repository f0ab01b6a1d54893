/** `data/overlay.pending.json`: by this record a pending change is rolled back, also in the next process. */
import { join } from 'node:path'
import { readDataFile, removeFile, replaceFile } from '../../process/files/data-file.ts'
import { writeOverlay } from './overlay-file.ts'

export interface Pending {
  readonly id: string
  /** The previous overlay. */
  readonly text: string
}

const pendingFile = (dataDir: string) => join(dataDir, 'overlay.pending.json')

const parsePending = (json: string): Pending => {
  const { id, text } = (JSON.parse(json) ?? {}) as Partial<Pending>
  if (typeof id === 'string' && typeof text === 'string') return { id, text }
  throw new Error('it is not the record of a pending change')
}

/** @throws DATA_FILE_DAMAGED */
export function readPending(dataDir: string): Pending | undefined {
  const without = 'the change that waited for its confirmation, in overlay.yaml, then stays in force'
  return readDataFile(pendingFile(dataDir), without, parsePending)
}

export const writePending = (dataDir: string, pending: Pending): void =>
  replaceFile(pendingFile(dataDir), JSON.stringify(pending))

/** @throws DATA_UNUSABLE */
export const removePending = (dataDir: string): void => removeFile(pendingFile(dataDir))

/** Rolls back a change that was pending when the process ended. @returns its id @throws DATA_FILE_DAMAGED */
export function recoverPending(dataDir: string): string | undefined {
  const pending = readPending(dataDir)
  if (pending === undefined) return undefined
  writeOverlay(dataDir, pending.text)
  removePending(dataDir)
  return pending.id
}
