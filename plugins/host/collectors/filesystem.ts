/** Space and inodes of mounted file systems by statfs(2); `arkrelay_system_disk_percent` always. */

import { type Mount, parseMounts, type StatFs } from '../../../core/plugin.ts'
import { parsed } from './kernel-files.ts'
import { blockBytes, diskUsedPercent } from './parse/disk-space.ts'
import { atMost, nameFilter } from './patterns.ts'
import { type HostContext, overLimit, type Source } from './source.ts'

const labels = ['device', 'fstype', 'mountpoint'] as const

function filesystemFamilies(batch: Parameters<Source>[0], maxDevices: number) {
  const gauge = (name: string, help: string) => batch.gauge({ name, help, labels, maxSeries: maxDevices })
  const families = {
    size: gauge('node_filesystem_size_bytes', 'Size of a file system.'),
    free: gauge('node_filesystem_free_bytes', 'Free space of a file system, the blocks reserved for root included.'),
    avail: gauge('node_filesystem_avail_bytes', 'Free space of a file system for ordinary users.'),
    files: gauge('node_filesystem_files', 'Inodes of a file system.'),
    filesFree: gauge('node_filesystem_files_free', 'Free inodes of a file system.'),
    readonly: gauge('node_filesystem_readonly', 'Whether a file system is mounted read-only: 1 yes, 0 no.'),
    error: gauge('node_filesystem_device_error', 'Whether a file system failed to answer: 1 yes, 0 no.'),
  }
  return ({ device, fstype, mountpoint, readonly }: Mount, stat: StatFs | undefined) => {
    const on = { device, fstype, mountpoint }
    families.error.set(stat ? 0 : 1, on)
    families.readonly.set(readonly ? 1 : 0, on)
    if (!stat) return
    const bytes = blockBytes(stat)
    families.size.set(stat.blocks * bytes, on)
    families.free.set(stat.bfree * bytes, on)
    families.avail.set(stat.bavail * bytes, on)
    families.files.set(stat.files, on)
    families.filesFree.set(stat.ffree, on)
  }
}

export const filesystem =
  ({ files, config, selected, readings }: HostContext): Source =>
  (batch) => {
    const percent = batch.gauge({
      name: 'arkrelay_system_disk_percent',
      help: 'Percentage of the root file system in use, without the blocks reserved for root, as df shows.',
    })
    const over = overLimit(batch)
    const report = selected('filesystem') ? filesystemFamilies(batch, config.maxDevices) : undefined
    const wantedPath = nameFilter(config.mountpoints)
    const wantedType = nameFilter(config.filesystemTypes)
    const wanted = ({ mountpoint, fstype }: Mount) =>
      wantedPath(mountpoint) && (mountpoint === '/' || wantedType(fstype))
    // The mounts of process 1 are the host's when the host's file system is mounted below a root of its own.
    const table = config.root === '/' ? '/proc/self/mounts' : '/proc/1/mounts'
    return async () => {
      const mounts = report ? ((await parsed(files, table, parseMounts)) ?? []) : []
      const { kept, left } = atMost(mounts.filter(wanted), config.maxDevices)
      const stats = new Map<string, StatFs | undefined>()
      const ask = async (at: string, mount?: Mount) =>
        stats.set(at, await (at === '/' ? readings.root() : readings.statFs(files.resolve(at), mount)))
      await Promise.all([ask('/'), ...kept.map((mount) => ask(mount.mountpoint, mount))])
      batch.observe(() => {
        const root = stats.get('/')
        if (root) percent.set(diskUsedPercent(root))
        for (const mount of kept)
          if (stats.get(mount.mountpoint)?.blocks !== 0) report?.(mount, stats.get(mount.mountpoint))
        if (report) over.set(left, { set: 'filesystem' })
      })
    }
  }
