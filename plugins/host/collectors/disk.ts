/** Block devices from `/proc/diskstats`. */
import { parsed } from './kernel-files.ts'
import { parseDiskstats } from './parse/diskstats.ts'
import { atMost, nameFilter } from './patterns.ts'
import { type HostContext, overLimit, type Source } from './source.ts'

const counters = [
  ['reads_completed', 'Completed reads of a disk.', 'readsCompleted'],
  ['read_bytes', 'Bytes read from a disk.', 'readBytes'],
  ['read_time_seconds', 'Total duration of the reads of a disk.', 'readSeconds'],
  ['writes_completed', 'Completed writes of a disk.', 'writesCompleted'],
  ['written_bytes', 'Bytes written to a disk.', 'writtenBytes'],
  ['write_time_seconds', 'Total duration of the writes of a disk.', 'writeSeconds'],
  ['io_time_seconds', 'Time in which a disk had I/O in progress.', 'ioSeconds'],
  [
    'io_time_weighted_seconds',
    'Total duration of the I/O requests of a disk, requests in progress included.',
    'weightedIoSeconds',
  ],
] as const

export const disk =
  ({ files, config }: HostContext): Source =>
  (batch) => {
    const shape = { labels: ['device'], maxSeries: config.maxDevices } as const
    const families = counters.map(([name, help, field]) => {
      return { field, family: batch.counter({ name: `node_disk_${name}_total`, help, ...shape }) }
    })
    const now = batch.gauge({ name: 'node_disk_io_now', help: 'I/O requests of a disk in progress.', ...shape })
    const over = overLimit(batch)
    const wanted = nameFilter(config.disks)
    return async () => {
      const all = (await parsed(files, '/proc/diskstats', parseDiskstats)) ?? []
      const disks = all.filter(({ device }) => wanted(device))
      const { kept, left } = atMost(disks, config.maxDevices)
      batch.observe(() => {
        for (const { device, ...stat } of kept) {
          for (const { field, family } of families) family.set(stat[field], { device })
          now.set(stat.inFlight, { device })
        }
        over.set(left, { set: 'disk' })
      })
    }
  }
