/** Drafts: files that are complete on the disk before they get their name. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'

/** Writes a draft for its owner alone (0600), in place of an older draft, and flushes the text to the disk. */
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
