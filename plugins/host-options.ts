/** The options of the plugin host. Those of the section `host` stay valid at `plugins.metrics.host` and `.process`. */
import { duration, z } from '../core/plugin.ts'

export const hostSets = [
  'cpu',
  'memory',
  'filesystem',
  'disk',
  'network',
  'load',
  'pressure',
  'fds',
  'cgroup',
  'info',
] as const
export type HostSet = (typeof hostSets)[number]

const patterns = (what: string, exclude: readonly string[]) =>
  z
    .strictObject({
      include: z
        .array(z.string().min(1))
        .max(100)
        .default([])
        .describe(`Globs of the ${what} to report; empty: all that are not excluded.`),
      exclude: z
        .array(z.string().min(1))
        .max(100)
        .default([...exclude])
        .describe(`Globs of the ${what} to leave out; takes precedence over include.`),
    })
    .prefault({})

const pseudoTypes = [
  ...['autofs', 'binfmt_misc', 'bpf', 'cgroup', 'cgroup2', 'configfs', 'debugfs', 'devpts', 'devtmpfs', 'efivarfs'],
  ...['fusectl', 'hugetlbfs', 'iso9660', 'mqueue', 'nsfs', 'overlay', 'proc', 'procfs', 'pstore', 'ramfs'],
  ...['rpc_pipefs', 'securityfs', 'selinuxfs', 'squashfs', 'sysfs', 'tracefs', 'fuse.lxcfs'],
]
const pseudoMountpoints = [
  ...['/dev{,/**}', '/proc{,/**}', '/sys{,/**}', '/run/{credentials,user,docker,snapd}/**'],
  ...['/var/lib/docker/**', '/var/lib/containers/storage/**'],
]
const partitionsAndRam = ['ram*', 'loop*', 'fd[0-9]*', '{h,s,v,xv}d[a-z]*[0-9]', 'nvme*n*p*', 'mmcblk*p*']

export const HostConfig = z.strictObject({
  every: duration({ min: '1s' }).prefault('15s').describe('How often the host is read.'),
  sets: z
    .array(z.enum(hostSets))
    .default([...hostSets])
    .describe('Metrics to report of the host; the three arkrelay_system_* gauges are always reported.'),
  inventory: z
    .enum(['plain', 'full'])
    .default('plain')
    .describe(
      "Source of arkwatch_host_info: plain, the kernel's files; full, also systeminformation in a worker thread.",
    ),
  root: z
    .string()
    .startsWith('/')
    .default('/')
    .describe('Mountpoint of the host’s file system: another path than / in a container.'),
  mountpoints: patterns('mountpoints', pseudoMountpoints).describe('Which mounted file systems, by mountpoint.'),
  filesystemTypes: patterns('file system types', pseudoTypes).describe(
    'Which mounted file systems, by type; the file system on / is reported whatever its type.',
  ),
  disks: patterns('disks', partitionsAndRam).describe('Which block devices.'),
  interfaces: patterns('network interfaces', ['veth*']).describe('Which network interfaces.'),
  maxCpus: z.int().min(1).max(4096).default(256).describe('Largest number of CPUs that are reported.'),
  maxDevices: z
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .describe('Largest number of mountpoints, of disks and of interfaces; further ones are counted and left out.'),
})
export type HostConfig = z.output<typeof HostConfig>

export const ProcessConfig = z.strictObject({
  every: duration({ min: '1s' }).prefault('15s').describe('How often the process and its event loop are read.'),
})
export type ProcessConfig = z.output<typeof ProcessConfig>
