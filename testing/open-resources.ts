/** The resources that this process holds open. Threads, handles and `fs.watch` are counted on Linux only. */
import { getProtectedObjects } from 'bun:jsc'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { systemClock } from '../core/process/clock.ts'

/** A thread or a descriptor may end between the listing and the reading. */
function unlessEnded(read: () => string): string {
  try {
    return read()
  } catch {
    return 'ended'
  }
}

const list = (path: string) => (existsSync(path) ? readdirSync(path) : [])
const nameOf = (thread: string) => unlessEnded(() => readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim())
const target = (handle: string) => unlessEnded(() => readlinkSync(`/proc/self/fd/${handle}`))

/** The files and directories that `fs.watch` watches: all share one descriptor, which stays open. */
const watched = (handles: readonly string[]): number => {
  const watches = handles.filter((handle) => target(handle) === 'anon_inode:inotify')
  const infos = watches.map((handle) => unlessEnded(() => readFileSync(`/proc/self/fdinfo/${handle}`, 'utf8')))
  return infos.join('').split('inotify wd:').length - 1
}

/**
 * @returns the number of armed real timers, threads of workers, open file descriptors, paths that `fs.watch` and
 * `fs.watchFile` watch, listeners of process events. A MessagePort or a BroadcastChannel cannot be counted.
 */
export function openResources() {
  // The runtime protects only what is armed from the garbage collector. `heapStats` would walk the whole heap.
  const armed = (getProtectedObjects() as unknown[]).map((held) => Object.prototype.toString.call(held))
  const handles = list('/proc/self/fd')
  return {
    timers: armed.filter((kind) => kind === '[object Timeout]').length,
    threads: list('/proc/self/task').filter((thread) => nameOf(thread) === 'Worker').length,
    handles: handles.length,
    watchers: armed.filter((kind) => kind === '[object StatWatcher]').length + watched(handles),
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  }
}

/** The resources once two looks agree, for a second at most: what ended a moment ago may still be open. */
export async function settledResources(): Promise<OpenResources> {
  const untilMs = systemClock.monotonic() + 1_000
  for (let seen = openResources(); ; ) {
    await systemClock.sleep(20)
    const now = openResources()
    if (Bun.deepEquals(now, seen) || systemClock.monotonic() > untilMs) return now
    seen = now
  }
}

type OpenResources = ReturnType<typeof openResources>

/** The files that are open, for the message: the newest descriptors have the highest numbers. */
function newest(count: number): string {
  const handles = list('/proc/self/fd').toSorted((a, b) => Number(b) - Number(a))
  const targets = handles.map(target).filter((path) => path !== 'ended' && !path.startsWith('/proc/'))
  return targets.slice(0, count).join(', ')
}

/** @returns the kinds of which there are more than `before`, `timers (2)` */
export function opened(before: OpenResources): string[] {
  const after = openResources()
  return (Object.keys(before) as (keyof OpenResources)[]).flatMap((kind) => {
    const more = after[kind] - before[kind]
    if (more <= 0) return []
    return [`${kind} (${more})${kind === 'handles' ? `, the newest: ${newest(Math.min(3, more))}` : ''}`]
  })
}

/** Waits up to a second of real time: threads and sockets end a moment after their owner. @returns what is open */
export async function leftOpen(before: OpenResources): Promise<string[]> {
  const untilMs = systemClock.monotonic() + 1_000
  while (opened(before).length > 0 && systemClock.monotonic() <= untilMs) await systemClock.sleep(20)
  return opened(before)
}
