/** What this process holds open. Threads and handles are counted on Linux only. */
import { heapStats } from 'bun:jsc'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { systemClock } from '../core/process/clock.ts'

export interface OpenResources {
  /** Real timers that are armed. */
  readonly timers: number
  /** Threads of workers. */
  readonly threads: number
  /** File descriptors: files, sockets, pipes. */
  readonly handles: number
  /** Listeners on signals and on the end of the process. */
  readonly listeners: number
}

const events = ['SIGTERM', 'SIGINT', 'SIGHUP', 'exit', 'uncaughtException', 'unhandledRejection', 'beforeExit']

/** A thread may end between the listing and the reading. */
function isWorker(thread: string): boolean {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim() === 'Worker'
  } catch {
    return false
  }
}

export function openResources(): OpenResources {
  const isLinux = existsSync('/proc/self/fd')
  return {
    // The runtime protects an armed timer from the garbage collector, and no other.
    timers: heapStats().protectedObjectTypeCounts.Timeout ?? 0,
    threads: isLinux ? readdirSync('/proc/self/task').filter(isWorker).length : 0,
    handles: isLinux ? readdirSync('/proc/self/fd').length : 0,
    listeners: events.reduce((sum, name) => sum + process.listenerCount(name), 0),
  }
}

/** @returns the kinds of which there are more than `before`, `timers (2)` */
export function opened(before: OpenResources, after = openResources()): string[] {
  const kinds = Object.keys(before) as (keyof OpenResources)[]
  return kinds.filter((kind) => after[kind] > before[kind]).map((kind) => `${kind} (${after[kind] - before[kind]})`)
}

/** Waits up to a second of real time: a thread and a socket end a moment after their owner. @returns what is still open */
export async function leftOpen(before: OpenResources): Promise<string[]> {
  const untilMs = systemClock.monotonic() + 1_000
  for (;;) {
    const left = opened(before)
    if (left.length === 0 || systemClock.monotonic() > untilMs) return left
    await systemClock.sleep(20)
  }
}
