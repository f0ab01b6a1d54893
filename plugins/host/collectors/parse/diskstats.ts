/**
 * PURE. `/proc/diskstats`.
 *
 * @see https://docs.kernel.org/admin-guide/iostats.html
 */

/** The kernel counts sectors of this size whatever the device's own is. */
const sectorBytes = 512

/** Since boot. */
export interface DiskStat {
  readonly device: string
  readonly readsCompleted: number
  readonly readBytes: number
  readonly readSeconds: number
  readonly writesCompleted: number
  readonly writtenBytes: number
  readonly writeSeconds: number
  /** Requests in flight at this moment. */
  readonly inFlight: number
  readonly ioSeconds: number
  readonly weightedIoSeconds: number
}

/** @returns one entry for each device with at least the fourteen columns of Linux 2.6 */
export function parseDiskstats(text: string): readonly DiskStat[] {
  const disks: DiskStat[] = []
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (fields.length < 14) continue
    const at = (column: number) => Number(fields[column])
    const disk = {
      device: fields[2]!,
      readsCompleted: at(3),
      readBytes: at(5) * sectorBytes,
      readSeconds: at(6) / 1000,
      writesCompleted: at(7),
      writtenBytes: at(9) * sectorBytes,
      writeSeconds: at(10) / 1000,
      inFlight: at(11),
      ioSeconds: at(12) / 1000,
      weightedIoSeconds: at(13) / 1000,
    }
    if (fields.slice(3, 14).every((field) => /^\d+$/.test(field))) disks.push(disk)
  }
  return disks
}
