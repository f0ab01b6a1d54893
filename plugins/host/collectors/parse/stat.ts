/** PURE. `/proc/stat`. @see https://docs.kernel.org/filesystems/proc.html section 1.7 */

/** Ticks per second of the values that the kernel shows to programs; fixed at 100 on every architecture we run on. */
const userHz = 100

/** CPU modes in the order of the columns. `guest` and `guestNice` are part of `user` and `nice` already. */
export const cpuModes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const
type CpuMode = (typeof cpuModes)[number]
/** Seconds since boot by mode. */
export type CpuTimes = Readonly<Record<CpuMode, number>>

export interface CpuStat {
  /** Sum over all CPUs. */
  readonly total: CpuTimes
  /** Number as in `cpu0`, and its times; offline CPUs are absent. */
  readonly cpus: readonly { readonly cpu: string; readonly times: CpuTimes }[]
  readonly bootTimeSeconds?: number
  readonly contextSwitches?: number
  readonly forks?: number
  readonly running?: number
  readonly blocked?: number
}

const columns = (fields: readonly string[]): CpuTimes | undefined => {
  const times = {} as Record<CpuMode, number>
  for (const [index, mode] of cpuModes.entries()) {
    const ticks = Number(fields[index + 1] ?? 0)
    if (!Number.isFinite(ticks)) return undefined
    times[mode] = ticks / userHz
  }
  return times
}

/** @returns what the file says, or undefined if it has no line for the CPUs as a whole */
export function parseStat(text: string): CpuStat | undefined {
  let total: CpuTimes | undefined
  const cpus: { cpu: string; times: CpuTimes }[] = []
  const numbers: Record<string, number> = {}
  for (const line of text.split('\n')) {
    if (line.startsWith('intr') || line.startsWith('softirq')) continue
    const fields = line.split(/\s+/, 9)
    const key = fields[0]!
    if (key === 'cpu') total = columns(fields)
    else if (/^cpu\d+$/.test(key)) {
      const times = columns(fields)
      if (times) cpus.push({ cpu: key.slice(3), times })
    } else if (fields.length > 1) numbers[key] = Number(fields[1])
  }
  if (!total) return undefined
  return {
    total,
    cpus,
    bootTimeSeconds: numbers.btime,
    contextSwitches: numbers.ctxt,
    forks: numbers.processes,
    running: numbers.procs_running,
    blocked: numbers.procs_blocked,
  }
}

/** @returns 0-100, undefined if no time passed; as in psutil a column that decreased counts as unchanged */
export function busyPercent(before: CpuTimes, after: CpuTimes): number | undefined {
  let total = 0
  let busy = 0
  for (const mode of cpuModes) {
    const passed = Math.max(0, after[mode] - before[mode])
    total += passed
    if (mode !== 'idle' && mode !== 'iowait') busy += passed
  }
  return total > 0 ? Math.min(100, (busy / total) * 100) : undefined
}
