/** PURE. `/proc/diskstats`. @see https://docs.kernel.org/admin-guide/iostats.html */

/** The kernel counts sectors of this size whatever the device's own is. */
const sectorBytes = 512

/** @returns one entry for each device with at least the fourteen columns of Linux 2.6 */
export function parseDiskstats(text: string) {
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    if (fields.length < 14 || !fields.slice(3, 14).every((field) => /^\d+$/.test(field))) return []
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
    return [disk]
  })
}
