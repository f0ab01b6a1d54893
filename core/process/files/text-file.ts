/** Texts of files that may be anything by now: a pipe or a device may never end. */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'

const maxTextBytes = 1024 * 1024
/** Opening a pipe does not wait for its writer. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

/** What was opened counts: a name may lead elsewhere a moment later. */
function refuseOther(file: string, opened: Stats, maxBytes: number): void {
  if (!opened.isFile()) throw new Error(`${file} is not a regular file`)
  if (opened.size > maxBytes) throw new Error(`${file} is larger than ${maxBytes} bytes`)
}

/** @throws the system's error; an error for what is not a regular file of at most `maxBytes` */
export function readTextFileSync(file: string, maxBytes = maxTextBytes): string {
  const descriptor = openSync(file, flags)
  try {
    refuseOther(file, fstatSync(descriptor), maxBytes)
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}

/** As `readTextFileSync`. */
export async function readTextFile(file: string): Promise<string> {
  const handle = await open(file, flags)
  try {
    refuseOther(file, await handle.stat(), maxTextBytes)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}
