/** The readings that several callers share: the collectors and `Host.sample()`. */
import { statfs } from 'node:fs/promises'
import type { Clock } from '../../../core/plugin.ts'
import { type Files, parsed } from './kernel-files.ts'
import { parseMeminfo } from './parse/meminfo.ts'
import type { StatFs } from './parse/mounts.ts'
import { type NetworkStat, parseNetDev } from './parse/net-dev.ts'
import { type CpuStat, parseStat } from './parse/stat.ts'
import { parseLoadavg } from './parse/system.ts'

/** How long one file system may take to answer; a network file system whose server is gone never does. */
const answerWithinMs = 1_000

export interface Readings {
  stat(): Promise<CpuStat | undefined>
  memory(): Promise<ReadonlyMap<string, number> | undefined>
  load(): Promise<readonly [number, number, number] | undefined>
  network(): Promise<readonly NetworkStat[] | undefined>
  /** Of the file system on the root of the host. */
  root(): Promise<StatFs | undefined>
  /** @param path as this process opens the path @returns undefined for a file system that does not answer */
  statFs(path: string): Promise<StatFs | undefined>
}

/** Reads anew once the last reading is finished and older than `freshMs`. */
function shared<T>(clock: Clock, freshMs: number, read: () => Promise<T>): () => Promise<T> {
  let last: { readonly value: Promise<T>; untilMs: number } | undefined
  return () => {
    if (last !== undefined && clock.monotonic() < last.untilMs) return last.value
    const reading = { value: read(), untilMs: Number.POSITIVE_INFINITY }
    const finished = () => {
      reading.untilMs = clock.monotonic() + freshMs
    }
    reading.value.then(finished, finished)
    last = reading
    return reading.value
  }
}

/** Asks with a deadline, and never twice at the same time for one path: a call that hangs holds a thread. */
function patientStatFs(statFs: (path: string) => Promise<StatFs>, clock: Clock): Readings['statFs'] {
  const asked = new Map<string, Promise<StatFs | undefined>>()
  return (path) => {
    const before = asked.get(path)
    if (before !== undefined) return before
    const answered = new AbortController()
    const answer = statFs(path).then(
      (stat) => stat,
      () => undefined,
    )
    const done = answer.finally(() => {
      asked.delete(path)
      answered.abort()
    })
    const deadline = clock.sleep(answerWithinMs, answered.signal).then(
      () => undefined,
      () => undefined,
    )
    const first = Promise.race([done, deadline])
    asked.set(path, first)
    return first
  }
}

export interface ReadingOptions {
  /** Of the host. */
  readonly files: Files
  readonly clock: Clock
  /** Stands in for statfs(2). */
  readonly statFs?: (path: string) => Promise<StatFs>
  /** Milliseconds within which a reading serves every caller. @default 0: callers share only a reading in progress */
  readonly freshMs?: number
}

/** Opens nothing before the first reading. */
export function createReadings({ files, clock, statFs = statfs, freshMs = 0 }: ReadingOptions): Readings {
  const share = <T>(read: () => Promise<T>) => shared(clock, freshMs, read)
  const ask = patientStatFs((path) => statFs(path), clock)
  // `/proc/net` is the network namespace of the reader; that of process 1 is the host's.
  const devices = files.resolve('/') === '/' ? '/proc/net/dev' : '/proc/1/net/dev'
  return {
    stat: share(() => parsed(files, '/proc/stat', parseStat)),
    memory: share(() => parsed(files, '/proc/meminfo', parseMeminfo)),
    load: share(() => parsed(files, '/proc/loadavg', parseLoadavg)),
    network: share(() => parsed(files, devices, parseNetDev)),
    root: share(() => ask(files.resolve('/'))),
    statFs: ask,
  }
}
