/** PURE. Where the control groups of a process are, and what their files say. @see docs.kernel.org/admin-guide */
import { unescapeMount } from './mounts.ts'

type Controller = 'memory' | 'cpu' | 'cpuacct' | 'pids'

/** The folder of a process' group under one controller. */
export interface CgroupPlace {
  readonly version: 1 | 2
  /** Where the hierarchy is mounted. */
  readonly mountpoint: string
  /** The group's path below it, `/` or `/a/b`. */
  readonly path: string
}

const cgroupMounts = (mountinfo: string) =>
  mountinfo.split('\n').flatMap((line) => {
    const [left, right = ''] = line.split(' - ')
    const [, , , root, mountpoint] = left!.split(' ')
    const [fstype, , options = ''] = right.split(' ')
    if ((fstype !== 'cgroup' && fstype !== 'cgroup2') || root === undefined || mountpoint === undefined) return []
    const version = fstype === 'cgroup' ? 1 : 2
    return { version, root: unescapeMount(root), mountpoint: unescapeMount(mountpoint), options: options.split(',') }
  })

/** The part of `path` below the `root` of the mount; in a container both name the same group, which is then `/`. */
function below(root: string, path: string): string {
  if (path.includes('/..')) return '/'
  if (root === '/') return path
  if (path === root || !path.startsWith(`${root}/`)) return '/'
  return path.slice(root.length)
}

/** @returns the place of each controller; on a hybrid system one of version 1 goes before version 2 */
export function cgroupPlaces(cgroup: string, mountinfo: string): Partial<Record<Controller, CgroupPlace>> {
  const mounts = cgroupMounts(mountinfo)
  const places: Partial<Record<Controller, CgroupPlace>> = {}
  const lines = [...cgroup.matchAll(/^(\d+):([^:]*):(\/.*)$/gm)]
  for (const controller of ['memory', 'cpu', 'cpuacct', 'pids'] as const) {
    const line = lines.find((entry) => entry[2]!.split(',').includes(controller)) ?? lines.find((entry) => !entry[2])
    if (!line) continue
    const version = line[2] ? 1 : 2
    const isOf = (options: readonly string[]) => version === 2 || options.includes(controller)
    const mount = mounts.find((entry) => entry.version === version && isOf(entry.options))
    if (mount) places[controller] = { version, mountpoint: mount.mountpoint, path: below(mount.root, line[3]!) }
  }
  return places
}

/** The folders from a group up to the root of its hierarchy, the group itself first. */
export function cgroupLevels({ mountpoint, path }: CgroupPlace): readonly string[] {
  const names = path.split('/').filter(Boolean)
  return [...names, ''].map((_, left) => [mountpoint, ...names.slice(0, names.length - left)].join('/'))
}

/** Version 1 writes "no limit" as the largest multiple of a page that fits 63 bits. */
export const unlimitedBytes = 2 ** 60

/** A file with one number or `max`. @returns undefined for no limit and for a text that is not a number */
export function parseLimit(text: string): number | undefined {
  const value = /^\d+\s*$/.test(text) ? Number(text) : undefined
  return value !== undefined && value < unlimitedBytes ? value : undefined
}

/** `cpu.max` of version 2: `50000 100000`. @returns cores, or undefined for no limit */
export function parseCpuMax(text: string): number | undefined {
  const match = /^(\d+) (\d+)\s*$/.exec(text)
  return match && Number(match[2]) > 0 ? Number(match[1]) / Number(match[2]) : undefined
}

/** `cpu.cfs_quota_us` and `cpu.cfs_period_us` of version 1; the quota is -1 for no limit. @returns cores */
export function cfsQuota(quota: string, period: string): number | undefined {
  return parseCpuMax(`${quota.trim()} ${period.trim()}`)
}

/** Files of `key number` lines: `cpu.stat`, `memory.stat`, `memory.events`. */
export const parseFlatKeys = (text: string): ReadonlyMap<string, number> =>
  new Map(text.matchAll(/^(\S+) (\d+)$/gm).map(([, key, value]) => [key!, Number(value)]))

/** Microseconds of version 2, nanoseconds of version 1. @returns seconds */
export const throttledSeconds = (stat: ReadonlyMap<string, number>): number | undefined => {
  const microseconds = stat.get('throttled_usec')
  const nanoseconds = stat.get('throttled_time')
  return microseconds !== undefined ? microseconds / 1e6 : nanoseconds !== undefined ? nanoseconds / 1e9 : undefined
}
