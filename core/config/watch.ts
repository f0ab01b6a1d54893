/** Detects changes of configuration files, also a file that is replaced by rename or by a swapped symlink. */
import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../contract/clock.ts'
import { messageOf } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'

const textOf = (file: string) =>
  Bun.file(file)
    .text()
    .catch(() => '')

/** @returns changes with the contents of the files; a missing one counts as empty */
export async function fingerprintOf(files: Iterable<string>): Promise<string> {
  return String(Bun.hash((await Promise.all([...files].map(textOf))).join('\0')))
}

/** How long a file must be quiet: editors write in several steps. */
const settleMs = 250

/**
 * Watches the directories of `files`, and compares contents: a touch without a change is ignored.
 * @param files absolute paths, asked again after each change
 * @returns stops watching
 */
export function watchFiles(files: () => readonly string[], clock: Clock, log: Logger, changed: () => void): () => void {
  const watchers = new Map<string, FSWatcher>()
  let cancel = () => {}
  let stopped = false
  const textNow = (file: string) => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  }
  // Read immediately: a write right after this call must count as a change.
  let last = Promise.resolve(String(Bun.hash(files().map(textNow).join('\0'))))
  const settle = async () => {
    const before = await last
    last = fingerprintOf(files())
    if (stopped || (await last) === before) return
    changed()
    follow()
  }
  const follow = () => {
    const wanted = new Set(files().map(dirname))
    for (const [folder, watcher] of watchers) {
      if (wanted.has(folder)) continue
      watcher.close()
      watchers.delete(folder)
    }
    for (const folder of wanted) {
      if (watchers.has(folder)) continue
      try {
        const watcher = watch(folder, () => {
          cancel()
          cancel = clock.after(settleMs, () => void settle())
        })
        watcher.on('error', (error) => log.warn('cannot watch for changes of the configuration', { folder, error }))
        watcher.unref()
        watchers.set(folder, watcher)
      } catch (error) {
        log.warn('cannot watch for changes of the configuration', { folder, reason: messageOf(error) })
      }
    }
  }
  follow()
  return () => {
    stopped = true
    cancel()
    for (const watcher of watchers.values()) watcher.close()
  }
}
