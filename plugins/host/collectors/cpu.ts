/** CPU time, boot time and scheduler counts from `/proc/stat`; `arkrelay_system_cpu_percent` always. */
import { busyPercent, type CpuStat, type CpuTimes, cpuModes } from './parse/stat.ts'
import { atMost } from './patterns.ts'
import { declare, type HostContext, overLimit, type Source } from './source.ts'

/** Between the two samples of the very first collection. */
const firstGapMs = 250
/** The kernel lets `idle` and `iowait` go back a little; a CPU that went away and came back starts anew. */
const jumpBackSeconds = 3

const helps = {
  node_boot_time_seconds: 'Boot time of the host, in seconds since the epoch.',
  node_context_switches_total: 'Context switches of the host.',
  node_forks_total: 'Processes and threads created on the host.',
  node_procs_running: 'Runnable processes and threads of the host, running included.',
  node_procs_blocked: 'Processes and threads of the host that wait for I/O.',
}

function cpuFamilies(batch: Parameters<Source>[0], maxCpus: number) {
  const seconds = batch.counter({
    name: 'node_cpu_seconds_total',
    help: 'Time of each CPU by mode.',
    labels: ['cpu', 'mode'],
    maxSeries: maxCpus * cpuModes.length,
    tolerance: jumpBackSeconds,
  })
  const set = declare(batch, helps)
  const over = overLimit(batch)
  return (stat: CpuStat) => {
    const { kept, left } = atMost(stat.cpus, maxCpus)
    for (const { cpu, times } of kept) for (const mode of cpuModes) seconds.set(times[mode], { cpu, mode })
    over.set(left, { set: 'cpu' })
    set({
      node_boot_time_seconds: stat.bootTimeSeconds,
      node_context_switches_total: stat.contextSwitches,
      node_forks_total: stat.forks,
      node_procs_running: stat.running,
      node_procs_blocked: stat.blocked,
    })
  }
}

export const cpu =
  ({ readings, clock, config, selected }: HostContext): Source =>
  (batch) => {
    const percent = batch.gauge({
      name: 'arkrelay_system_cpu_percent',
      help: 'Percentage of the CPU time of all cores since the last collection that was neither idle nor I/O wait.',
    })
    const report = selected('cpu') ? cpuFamilies(batch, config.maxCpus) : undefined
    let before: CpuTimes | undefined
    let busy: number | undefined
    return async () => {
      if (!before) {
        before = (await readings.stat())?.total
        if (before) await clock.sleep(firstGapMs)
      }
      const stat = await readings.stat()
      if (!stat) before = undefined
      const share = stat && before && busyPercent(before, stat.total)
      if (share !== undefined || !stat) {
        busy = share
        before = stat?.total
      }
      batch.observe(() => {
        percent.set(busy)
        if (stat) report?.(stat)
      })
    }
  }
