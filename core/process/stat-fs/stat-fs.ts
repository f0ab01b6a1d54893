/**
 * statfs(2) of file systems that may never answer, as of a server that is gone. A hung call in Bun's pool, which has
 * two threads on a small machine and serves every file of the process, would stop the application: decision 0017.
 */
import { readFile, readlink, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Clock } from '../../contract/clock.ts'
import { coreError } from '../../contract/errors.ts'
import { systemClock } from '../clock.ts'
import { answerWithinMs, type Mount, parseMounts, type StatFs } from './mounts.ts'
import type { StatFsThreads } from './threads.ts'

/** Loaded by the first call that needs a thread: most machines have no such file system. */
let threads: Promise<StatFsThreads> | undefined
const threadsOf = () => {
  threads ??= import('./threads.ts').then(({ StatFsThreads }) => new StatFsThreads())
  return threads
}

/** Whether file systems of a type answer by a server or a program. */
export const mayHang = (type: string): boolean =>
  /^(autofs|nfs|cifs|smb|9p|fuse|ceph|gluster|lustre|afs|virtiofs|beegfs)/.test(type)

/** @returns the mount that holds an absolute path, whose symbolic links are not followed: that could hang */
export const mountOf = (path: string, mounts: readonly Mount[]): Mount | undefined =>
  mounts
    .filter(({ mountpoint: at }) => path === at || path.startsWith(at === '/' ? at : `${at}/`))
    .toSorted((a, b) => b.mountpoint.length - a.mountpoint.length)[0]

/** As the kernel follows. */
const maxLinks = 40

/**
 * Follows a path and its symbolic links as far as nothing is touched that may hang.
 * @returns the type of the file system that holds the path, or of the first on the way that may hang
 */
export async function typeOf(path: string, mounts: readonly Mount[]): Promise<string> {
  const left = resolve(path).split('/')
  let at = '/'
  let links = 0
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === '' || name === '.') continue
    const next = name === '..' ? dirname(at) : join(at, name)
    const type = mountOf(next, mounts)?.fstype ?? ''
    if (mayHang(type)) return type
    const target = await readlink(next).catch(() => undefined)
    if (target === undefined || links === maxLinks) {
      at = next
      continue
    }
    links += 1
    if (target.startsWith('/')) at = '/'
    left.unshift(...target.split('/'))
  }
  return mountOf(at, mounts)?.fstype ?? ''
}

async function ask(path: string, type?: string): Promise<StatFs> {
  const known = type ?? (await typeOf(path, parseMounts(await readFile('/proc/self/mounts', 'utf8').catch(() => ''))))
  return mayHang(known) ? (await threadsOf()).ask(path) : statfs(path)
}

/** Calls of one path in progress are one call. @throws FILE_SYSTEM_HANGS where that call has hung for a second */
export function joined(call: typeof ask, clock: Pick<Clock, 'monotonic'>) {
  const calls = new Map<string, { readonly sinceMs: number; readonly answer: Promise<StatFs> }>()
  return (path: string, type?: string): Promise<StatFs> => {
    const nowMs = clock.monotonic()
    const { answer, sinceMs = nowMs } = calls.get(path) ?? {}
    const hungMs = nowMs - sinceMs
    if (hungMs >= answerWithinMs) {
      const reason = `has not answered for ${Math.floor(hungMs / 1_000)} s`
      return Promise.reject(coreError('FILE_SYSTEM_HANGS', { path, reason }))
    }
    if (answer !== undefined) return answer
    const first = call(path, type).finally(() => calls.delete(path))
    calls.set(path, { sinceMs: nowMs, answer: first })
    return first
  }
}

/**
 * Space and inodes of the file system that holds a path.
 * @param type of the file system, where it is known
 * @throws the system's error; FILE_SYSTEM_HANGS where this or too many other file systems hang
 */
export const statFs = joined(ask, systemClock)

/** Ends the thread that is kept for the next call. */
export const endStatFsThread = (): void => void threads?.then((each) => each.end())
