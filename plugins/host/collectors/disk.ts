/** Block devices from `/proc/diskstats`. */
import { parsed } from './kernel-files.ts'
import { parseDiskstats } from './parse/diskstats.ts'
import { atMost, nameFilter } from './patterns.ts'
import { type HostContext, overLimit, type Source } from './source.ts'

export const disk =
  ({ files, config }: HostContext): Source =>
  (batch) => {
    const shape = { labels: ['device'], maxSeries: config.maxDevices } as const
    const counter = (name: string, help: string) => batch.counter({ name, help, ...shape })
    const reads = counter('node_disk_reads_completed_total', 'Completed reads of a disk.')
    const readBytes = counter('node_disk_read_bytes_total', 'Bytes read from a disk.')
    const readSeconds = counter('node_disk_read_time_seconds_total', 'Total duration of the reads of a disk.')
    const writes = counter('node_disk_writes_completed_total', 'Completed writes of a disk.')
    const writtenBytes = counter('node_disk_written_bytes_total', 'Bytes written to a disk.')
    const writeSeconds = counter('node_disk_write_time_seconds_total', 'Total duration of the writes of a disk.')
    const ioSeconds = counter('node_disk_io_time_seconds_total', 'Time in which a disk had I/O in progress.')
    const weighted = counter(
      'node_disk_io_time_weighted_seconds_total',
      'Total duration of the I/O requests of a disk, requests in progress included.',
    )
    const now = batch.gauge({ name: 'node_disk_io_now', help: 'I/O requests of a disk in progress.', ...shape })
    const over = overLimit(batch)
    const wanted = nameFilter(config.disks)
    return async () => {
      const disks = (await parsed(files, '/proc/diskstats', parseDiskstats)) ?? []
      const { kept, left } = atMost(
        disks.filter((entry) => wanted(entry.device)),
        config.maxDevices,
      )
      batch.observe(() => {
        for (const { device, ...stat } of kept) {
          reads.set(stat.readsCompleted, { device })
          readBytes.set(stat.readBytes, { device })
          readSeconds.set(stat.readSeconds, { device })
          writes.set(stat.writesCompleted, { device })
          writtenBytes.set(stat.writtenBytes, { device })
          writeSeconds.set(stat.writeSeconds, { device })
          ioSeconds.set(stat.ioSeconds, { device })
          weighted.set(stat.weightedIoSeconds, { device })
          now.set(stat.inFlight, { device })
        }
        over.set(left, { set: 'disk' })
      })
    }
  }
