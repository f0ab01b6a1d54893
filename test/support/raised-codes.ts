/**
 * Preloaded into the processes of the tests: writes down which error codes are really raised, a file for each process in the
 * folder that `ARKWATCH_TEST_RAISED_DIR` names. The test command then names the codes that no test raised.
 */
import { type Channel, channel } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env.ARKWATCH_TEST_RAISED_DIR
const seen = new Set<string>()

function note(message: unknown): void {
  const { code } = message as { code: string }
  if (seen.has(code)) return
  seen.add(code)
  appendFileSync(join(folder!, String(process.pid)), `${code}\n`)
}

if (folder !== undefined) {
  const errors = channel('arkwatch:error')
  errors.subscribe(note)
  // A channel that nobody holds is forgotten, with its subscribers.
  const held = globalThis as { raisedCodes?: Channel }
  held.raisedCodes = errors
}

/** @returns what the environment of a program of ours needs so that what it raises counts too */
export const recordingEnv = (): Record<string, string> =>
  folder === undefined ? {} : { ARKWATCH_TEST_RAISED_DIR: folder, BUN_OPTIONS: `--preload=${import.meta.path}` }
