/** PURE. Where the control groups of a process are, and what their files say. @see docs.kernel.org/admin-guide */
import { unescapeMount } from '../../../../core/plugin.ts'

type Controller = 'memory' | 'cpu' | 'cpuacct' | 'pids'

/** The folder of a process' group under one controller. */
export interface CgroupPlace {
  readonly version: 1 | 2
  /** Where the hierarchy is mounted. */
  readonly mountpoint: string
  /** The group's path below it, `/` or `/a/b`. */
  readonly path: string
}

/** Of several mounts on one mountpoint the last, which hides the others. */
const cgroupMounts = (mountinfo: string) => {
  const lines = mountinfo.split('\n').flatMap((line) => {
    const [left, right = ''] = line.split(' - ')
    const [, , , root, mountpoint] = left!.split(' ')
    const [fstype, , options = ''] = right.split(' ')
    if ((fstype !== 'cgroup' && fstype !== 'cgroup2') || root === undefined || mountpoint === undefined) return []
    const version = fstype === 'cgroup' ? 1 : 2
    return [{ version, root: unescapeMount(root), mountpoint: unescapeMount(mountpoint), options: options.split(',') }]
  })
  return [...new Map(lines.map((mount) => [mount.mountpoint, mount])).values()]
}

/** `/..` leads out of the control groups that this process sees, so what is below cannot be compared. */
const isOutside = (path: string) => /\/\.\.(?:\/|$)/.test(path)

/** @returns the part of `path` below the `root` of a mount; undefined where the mount does not hold the group */
function below(root: string, path: string): string | undefined {
  const rest = root === '/' ? path : `${path}/`.startsWith(`${root}/`) ? path.slice(root.length) || '/' : undefined
  return rest === undefined || isOutside(rest) ? undefined : rest
}

/**
 * The mount that shows a group: of those whose root is the group or above, the one with the longest root. A container
 * may have the groups of the host mounted as well, at `/host/sys/fs/cgroup`. Where none holds the group, the root of a
 * mount is the group by another name.
 */
function placeIn(mounts: ReturnType<typeof cgroupMounts>, version: 1 | 2, path: string): CgroupPlace | undefined {
  const [nearest] = mounts
    .map((mount) => ({ ...mount, path: below(mount.root, path) }))
    .filter((mount) => mount.path !== undefined || !isOutside(mount.root))
    .map((mount) => ({ ...mount, rank: mount.path === undefined ? 0 : mount.root.length }))
    .sort((one, other) => other.rank - one.rank)
  return nearest && { version, mountpoint: nearest.mountpoint, path: nearest.path ?? '/' }
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
    const place = placeIn(
      mounts.filter((mount) => mount.version === version && isOf(mount.options)),
      version,
      line[3]!,
    )
    if (place) places[controller] = place
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
