/** The readings that several callers share: the collectors and `Host.sample()`. */
import { statFs as askStatFs, type Clock, type StatFs } from '../../../core/plugin.ts'
import { type Files, parsed } from './kernel-files.ts'
import { parseMeminfo } from './parse/meminfo.ts'
import { type NetworkStat, parseNetDev } from './parse/net-dev.ts'
import { type CpuStat, parseStat } from './parse/stat.ts'
import { parseLoadavg } from './parse/system.ts'
import { type AskStatFs, patientStatFs } from './patient-stat-fs.ts'

export interface Readings {
  stat(): Promise<CpuStat | undefined>
  memory(): Promise<ReadonlyMap<string, number> | undefined>
  load(): Promise<readonly [number, number, number] | undefined>
  network(): Promise<readonly NetworkStat[] | undefined>
  /** Of the file system on the root of the host. */
  root(): Promise<StatFs | undefined>
  readonly statFs: AskStatFs
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

export interface ReadingOptions {
  /** Of the host. */
  readonly files: Files
  readonly clock: Clock
  /** Stands in for statfs(2). */
  readonly statFs?: typeof askStatFs
  /** Milliseconds within which a reading serves every caller. @default 0: callers share only a reading in progress */
  readonly freshMs?: number
}

/** Opens nothing before the first reading. */
export function createReadings({ files, clock, statFs = askStatFs, freshMs = 0 }: ReadingOptions): Readings {
  const share = <T>(read: () => Promise<T>) => shared(clock, freshMs, read)
  const ask = patientStatFs(statFs, clock)
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
