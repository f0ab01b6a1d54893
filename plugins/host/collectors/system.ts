/** Load, file handles and pressure of the host. */
import { parsed } from './kernel-files.ts'
import { parsePressure } from './parse/pressure.ts'
import { parseFileNr } from './parse/system.ts'
import { type HostContext, type Source, unlabelled } from './source.ts'

const loadHelps = {
  node_load1: 'Load average of the host over 1 min.',
  node_load5: 'Load average of the host over 5 min.',
  node_load15: 'Load average of the host over 15 min.',
}
export const load = ({ readings }: HostContext): Source =>
  unlabelled(loadHelps, async () => {
    const [one, five, fifteen] = (await readings.load()) ?? []
    return { node_load1: one, node_load5: five, node_load15: fifteen }
  })

const handleHelps = {
  node_filefd_allocated: 'Open file handles of the host.',
  node_filefd_maximum: 'Largest number of open file handles of the host.',
}
export const fds = ({ files }: HostContext): Source =>
  unlabelled(handleHelps, async () => {
    const values = await parsed(files, '/proc/sys/fs/file-nr', parseFileNr)
    return { node_filefd_allocated: values?.allocated, node_filefd_maximum: values?.maximum }
  })

/** CPU has no "stalled" on the host as a whole: the kernel reports it as zero. */
const pressureHelps = {
  node_pressure_cpu_waiting_seconds_total: 'Time in which at least one task of the host waited for cpu.',
  node_pressure_memory_waiting_seconds_total: 'Time in which at least one task of the host waited for memory.',
  node_pressure_memory_stalled_seconds_total: 'Time in which every task of the host waited for memory.',
  node_pressure_io_waiting_seconds_total: 'Time in which at least one task of the host waited for io.',
  node_pressure_io_stalled_seconds_total: 'Time in which every task of the host waited for io.',
}
export const pressure = ({ files }: HostContext): Source =>
  unlabelled(pressureHelps, async () => {
    const read = (resource: string) => parsed(files, `/proc/pressure/${resource}`, parsePressure)
    const [cpu, memory, io] = await Promise.all(['cpu', 'memory', 'io'].map(read))
    return {
      node_pressure_cpu_waiting_seconds_total: cpu?.waitingSeconds,
      node_pressure_memory_waiting_seconds_total: memory?.waitingSeconds,
      node_pressure_memory_stalled_seconds_total: memory?.stalledSeconds,
      node_pressure_io_waiting_seconds_total: io?.waitingSeconds,
      node_pressure_io_stalled_seconds_total: io?.stalledSeconds,
    }
  })
