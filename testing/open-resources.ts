/** The resources that this process holds open. Threads and handles are counted on Linux only. */
import { heapStats } from 'bun:jsc'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { systemClock } from '../core/process/clock.ts'

/** A thread may end between the listing and the reading. */
function isWorker(thread: string): boolean {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim() === 'Worker'
  } catch {
    return false
  }
}

const list = (path: string) => (existsSync(path) ? readdirSync(path) : [])

/** What a file descriptor leads to; one may be closed between the listing and the reading. */
function target(handle: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${handle}`)
  } catch {
    return 'closed'
  }
}

/** @returns the number of armed real timers, threads of workers, open file descriptors, listeners of process events */
export const openResources = () => ({
  // The runtime protects only armed timers from the garbage collector.
  timers: heapStats().protectedObjectTypeCounts.Timeout ?? 0,
  threads: list('/proc/self/task').filter(isWorker).length,
  handles: list('/proc/self/fd').length,
  listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
})

export type OpenResources = ReturnType<typeof openResources>

/** The files that are open, for the message: the newest descriptors have the highest numbers. */
function newest(count: number): string {
  const targets = list('/proc/self/fd')
    .toSorted((a, b) => Number(b) - Number(a))
    .map(target)
  return targets
    .filter((path) => path !== 'closed' && !path.startsWith('/proc/'))
    .slice(0, count)
    .join(', ')
}

/** @returns the kinds of which there are more than `before`, `timers (2)` */
export function opened(before: OpenResources): string[] {
  const after = openResources()
  const kinds = Object.keys(before) as (keyof OpenResources)[]
  return kinds.flatMap((kind) => {
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
