/** Load, file handles and pressure of the host. */
import { parsed } from './kernel-files.ts'
import { parsePressure } from './parse/pressure.ts'
import { parseFileNr } from './parse/system.ts'
import type { HostContext, Source } from './source.ts'

export const load =
  ({ readings }: HostContext): Source =>
  (batch) => {
    const gauges = [1, 5, 15].map((minutes) =>
      batch.gauge({ name: `node_load${minutes}`, help: `Load average of the host over ${minutes} min.` }),
    )
    return async () => {
      const loads = await readings.load()
      batch.observe(() => {
        for (const [index, gauge] of gauges.entries()) gauge.set(loads?.[index])
      })
    }
  }

export const fds =
  ({ files }: HostContext): Source =>
  (batch) => {
    const allocated = batch.gauge({ name: 'node_filefd_allocated', help: 'Open file handles of the host.' })
    const maximum = batch.gauge({
      name: 'node_filefd_maximum',
      help: 'Largest number of open file handles of the host.',
    })
    return async () => {
      const values = await parsed(files, '/proc/sys/fs/file-nr', parseFileNr)
      batch.observe(() => {
        allocated.set(values?.allocated)
        maximum.set(values?.maximum)
      })
    }
  }

/** CPU has no "stalled" on the host as a whole: the kernel reports it as zero. */
export const pressure =
  ({ files }: HostContext): Source =>
  (batch) => {
    const resources = (['cpu', 'memory', 'io'] as const).map((resource) => ({
      resource,
      waiting: batch.counter({
        name: `node_pressure_${resource}_waiting_seconds_total`,
        help: `Time in which at least one task of the host waited for ${resource}.`,
      }),
      stalled:
        resource === 'cpu'
          ? undefined
          : batch.counter({
              name: `node_pressure_${resource}_stalled_seconds_total`,
              help: `Time in which every task of the host waited for ${resource}.`,
            }),
    }))
    return async () => {
      const values = await Promise.all(
        resources.map(({ resource }) => parsed(files, `/proc/pressure/${resource}`, parsePressure)),
      )
      batch.observe(() => {
        for (const [index, { waiting, stalled }] of resources.entries()) {
          waiting.set(values[index]?.waitingSeconds)
          stalled?.set(values[index]?.stalledSeconds)
        }
      })
    }
  }
