/** Detects changes of configuration files by looking at them: behind links, mounts and replaced directories, too. */
import { stat } from 'node:fs/promises'
import type { Clock } from '../contract/clock.ts'
import { messageOf } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import { systemClock } from '../process/clock.ts'
import { readTextFile, readTextFileSync } from '../process/files/text-file.ts'
import { createTurns } from '../process/files/turns.ts'

/** Of the process, as the pool of threads is. */
const inTurn = createTurns(systemClock)

const textOf = (file: string) => readTextFile(file).catch(() => '')

/**
 * @returns changes with the contents of the files; one that a start would not read counts as empty
 * @throws FILE_SYSTEM_HANGS
 */
export async function fingerprintOf(files: Iterable<string>): Promise<string> {
  return String(Bun.hash((await Promise.all([...files].map((file) => inTurn(file, textOf)))).join('\0')))
}

const textNow = (file: string) => {
  try {
    return readTextFileSync(file)
  } catch {
    return ''
  }
}

/** The same of this moment: a write right after the call must count as a change. */
export const fingerprintNow = (files: readonly string[]): string => String(Bun.hash(files.map(textNow).join('\0')))

/** @returns changes with each write of the file that is behind the path now */
const writeOf = (file: string) =>
  stat(file, { bigint: true }).then(
    ({ dev, ino, size, mtimeNs, ctimeNs }) => [file, dev, ino, size, mtimeNs, ctimeNs].join(' '),
    () => file,
  )

const lookMs = 500
/** Files are read when two looks find the same, as editors write in several steps; after so many looks in any case. */
const maxLooks = 10

/**
 * Compares contents: a touch without a change is ignored.
 * @param files absolute paths, asked at each look
 * @param differs whether the files differ from the configuration in force; asked where a write leaves what was seen
 * last, such as an edit that is undone within a second
 * @returns stops watching
 */
export function watchFiles(
  files: () => readonly string[],
  clock: Clock,
  log: Logger,
  changed: () => void,
  differs: () => Promise<boolean> = async () => false,
): () => void {
  let contents = fingerprintNow(files())
  let seen = ''
  let looks = 0
  let stopped = false
  let failed = ''
  const look = async () => {
    const before = seen
    seen = (await Promise.all(files().map((file) => inTurn(file, writeOf)))).join('\n')
    failed = ''
    const isQuiet = seen === before
    if (isQuiet && looks === 0) return
    looks += 1
    if (!isQuiet && looks < maxLooks) return
    looks = 0
    const last = contents
    contents = await fingerprintOf(files())
    const isNews = contents !== last || (await differs())
    if (!stopped && isNews) changed()
  }
  const cancel = clock.every(lookMs, look, {
    onError(error) {
      if (messageOf(error) === failed) return
      failed = messageOf(error)
      log.warn('cannot watch for changes of the configuration', { error })
    },
  })
  return () => {
    stopped = true
    cancel()
  }
}
