import type { Workers } from '../../../core/plugin.ts'
import type { HostConfig, HostSet } from '../../host-options.ts'
import type { BatchObservation, Collector } from '../../metrics/api.ts'
import type { Files } from './kernel-files.ts'
import type { ReadingOptions, Readings } from './readings.ts'

export interface HostOptions extends Omit<ReadingOptions, 'files'> {
  readonly config: HostConfig
  /** Where the inventory of the hardware is taken; without it the operating system's own values stand alone. */
  readonly workers?: Workers
  /** Where this process' own control groups are read. @default '/' */
  readonly ownRoot?: string
}

export interface HostContext extends HostOptions {
  /** Of the host, below `config.root`. */
  readonly files: Files
  /** As this process sees them. */
  readonly ownFiles: Files
  readonly readings: Readings
  selected(set: HostSet): boolean
}

/** Declares families in a batch. @returns reads the source, then observes */
export type Source = (batch: BatchObservation) => () => Promise<void>

type Values<Name extends string> = { readonly [Each in Name]?: number | undefined }

/** Declares families by name with their help; `_total` ends the name of a counter. @returns sets their values */
export function declare<Name extends string>(
  batch: BatchObservation,
  helps: Readonly<Record<Name, string>>,
): (values: Values<Name>) => void {
  const families = Object.entries<string>(helps).map(([name, help]) => {
    return [name as Name, batch[name.endsWith('_total') ? 'counter' : 'gauge']({ name, help })] as const
  })
  return (values) => {
    for (const [name, family] of families) family.set(values[name])
  }
}

export const unlabelled =
  <Name extends string>(helps: Readonly<Record<Name, string>>, read: () => Promise<Values<Name>>): Source =>
  (batch) => {
    const set = declare(batch, helps)
    return async () => {
      const values = await read()
      batch.observe(() => set(values))
    }
  }

/** @param name after `metrics.` @param everyMs period in milliseconds */
export const collectorOf = (name: string, everyMs: number, source: Source, timeoutMs?: number): Collector => ({
  name: `metrics.${name}`,
  everyMs,
  ...(timeoutMs !== undefined && { timeoutMs }),
  setup: (metrics) => source(metrics.batch()),
})

/** The gauge that says how much a limit left out. */
export const overLimit = (batch: BatchObservation) =>
  batch.gauge<'set'>({
    name: 'arkwatch_host_items_over_limit',
    help: 'CPUs, mountpoints, disks or interfaces that the last collection left out because of maxCpus or maxDevices.',
    labels: ['set'],
    shared: true,
  })
