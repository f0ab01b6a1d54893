/** Limits and use of the control groups of this process, version 1 and 2. */
import { type Files, parsed } from './kernel-files.ts'
import {
  type CgroupPlace,
  cfsQuota,
  cgroupLevels,
  cgroupPlaces,
  parseCpuMax,
  parseFlatKeys,
  parseLimit,
  throttledSeconds,
  unlimitedBytes,
} from './parse/cgroup.ts'
import { type HostContext, type Source, unlabelled } from './source.ts'

/**
 * The highest level that the tightest limit applies to, the group's own where none is set: there use and limit belong
 * together, and the use comes closest to the limit.
 */
async function bindingLevel(place: CgroupPlace, limitOf: (folder: string) => Promise<number | undefined>) {
  const folders = cgroupLevels(place)
  const limits = await Promise.all(folders.map(limitOf))
  let best = 0
  for (const [index, limit] of limits.entries()) {
    if (limit !== undefined && limit <= (limits[best] ?? Number.POSITIVE_INFINITY)) best = index
  }
  return { folder: folders[best]!, limit: limits[best] }
}

async function readMemory(files: Files, place: CgroupPlace) {
  const v2 = place.version === 2
  const limitOf = async (at: string) => {
    if (v2) return parsed(files, `${at}/memory.max`, parseLimit)
    // Version 1 says the limit of groups above the mount, which a container does not see, in `memory.stat`.
    const [own, stat] = await Promise.all([
      parsed(files, `${at}/memory.limit_in_bytes`, parseLimit),
      parsed(files, `${at}/memory.stat`, parseFlatKeys),
    ])
    const above = stat?.get('hierarchical_memory_limit') ?? unlimitedBytes
    return above < unlimitedBytes ? Math.min(own ?? above, above) : own
  }
  const { folder, limit } = await bindingLevel(place, limitOf)
  const [usage, stat, events] = await Promise.all([
    parsed(files, `${folder}/${v2 ? 'memory.current' : 'memory.usage_in_bytes'}`, parseLimit),
    parsed(files, `${folder}/memory.stat`, parseFlatKeys),
    parsed(files, `${folder}/${v2 ? 'memory.events' : 'memory.oom_control'}`, parseFlatKeys),
  ])
  const inactive = stat?.get(v2 ? 'inactive_file' : 'total_inactive_file')
  const workingSet = usage !== undefined && inactive !== undefined ? Math.max(0, usage - inactive) : undefined
  return {
    arkwatch_cgroup_memory_limit_bytes: limit,
    arkwatch_cgroup_memory_usage_bytes: usage,
    arkwatch_cgroup_memory_working_set_bytes: workingSet,
    arkwatch_cgroup_memory_oom_kills_total: events?.get('oom_kill'),
  }
}

async function readCpu(files: Files, place: CgroupPlace, usagePlace: CgroupPlace | undefined) {
  const v2 = place.version === 2
  const quotaOf = async (at: string) => {
    if (v2) return parsed(files, `${at}/cpu.max`, parseCpuMax)
    const [quota, period] = await Promise.all([
      files.text(`${at}/cpu.cfs_quota_us`),
      files.text(`${at}/cpu.cfs_period_us`),
    ])
    return quota !== undefined && period !== undefined ? cfsQuota(quota, period) : undefined
  }
  const { folder, limit: quota } = await bindingLevel(place, quotaOf)
  const stat = await parsed(files, `${folder}/cpu.stat`, parseFlatKeys)
  const level = usagePlace?.path === place.path ? cgroupLevels(place).indexOf(folder) : 0
  const accounted = usagePlace?.version === 1 ? `${cgroupLevels(usagePlace)[level]}/cpuacct.usage` : undefined
  const nanoseconds = accounted ? await parsed(files, accounted, parseLimit) : undefined
  const microseconds = stat?.get('usage_usec')
  return {
    arkwatch_cgroup_cpu_quota_cores: quota,
    arkwatch_cgroup_cpu_usage_seconds_total:
      microseconds !== undefined ? microseconds / 1e6 : nanoseconds !== undefined ? nanoseconds / 1e9 : undefined,
    arkwatch_cgroup_cpu_periods_total: stat?.get('nr_periods'),
    arkwatch_cgroup_cpu_throttled_periods_total: stat?.get('nr_throttled'),
    arkwatch_cgroup_cpu_throttled_seconds_total: stat && throttledSeconds(stat),
  }
}

async function readPids(files: Files, place: CgroupPlace) {
  const { folder, limit } = await bindingLevel(place, (at) => parsed(files, `${at}/pids.max`, parseLimit))
  return {
    arkwatch_cgroup_pids_limit: limit,
    arkwatch_cgroup_pids: await parsed(files, `${folder}/pids.current`, parseLimit),
  }
}

const helps = {
  arkwatch_cgroup_memory_limit_bytes:
    'Tightest memory limit of the control groups of this process; absent without a limit.',
  arkwatch_cgroup_memory_usage_bytes:
    'Memory of the control group with the tightest memory limit, page cache included.',
  arkwatch_cgroup_memory_working_set_bytes:
    'Memory of the control group with the tightest memory limit, without the page cache that the kernel can reclaim.',
  arkwatch_cgroup_memory_oom_kills_total: 'Processes of the control group that were killed for lack of memory.',
  arkwatch_cgroup_cpu_quota_cores:
    'Tightest CPU quota of the control groups of this process, in cores; absent without a quota.',
  arkwatch_cgroup_cpu_usage_seconds_total: 'CPU time of the control group.',
  arkwatch_cgroup_cpu_periods_total: 'Elapsed periods of the CPU quota of the control group.',
  arkwatch_cgroup_cpu_throttled_periods_total: 'Periods in which the control group used up the CPU quota.',
  arkwatch_cgroup_cpu_throttled_seconds_total:
    'Time in which tasks of the control group waited because the CPU quota was used up.',
  arkwatch_cgroup_pids: 'Processes and threads of the control group.',
  arkwatch_cgroup_pids_limit:
    'Tightest limit on processes and threads of the control groups of this process; absent without a limit.',
}

export const cgroup = ({ ownFiles: files }: HostContext): Source =>
  unlabelled(helps, async () => {
    const [own, mountinfo] = await Promise.all([files.text('/proc/self/cgroup'), files.text('/proc/self/mountinfo')])
    const places = cgroupPlaces(own ?? '', mountinfo ?? '')
    const [memory, cpu, pids] = await Promise.all([
      places.memory && readMemory(files, places.memory),
      places.cpu && readCpu(files, places.cpu, places.cpuacct),
      places.pids && readPids(files, places.pids),
    ])
    return { ...memory, ...cpu, ...pids }
  })
