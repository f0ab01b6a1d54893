/** The collectors that read the host and the process. */
import type { EventLoop } from '../../../core/plugin.ts'
import type { HostSet } from '../../host-options.ts'
import type { Collector } from '../../metrics/api.ts'
import { cgroup } from './cgroup.ts'
import { cpu } from './cpu.ts'
import { disk } from './disk.ts'
import { eventLoopDelay } from './event-loop.ts'
import { filesystem } from './filesystem.ts'
import { info, infoTimeoutMs } from './info.ts'
import { filesBelow } from './kernel-files.ts'
import { memory } from './memory.ts'
import { network } from './network.ts'
import { processUsage } from './process.ts'
import { createReadings } from './readings.ts'
import { collectorOf, type HostContext, type HostOptions, type Source } from './source.ts'
import { fds, load, pressure } from './system.ts'

export { HostConfig, ProcessConfig } from '../../host-options.ts'
export type { HostOptions } from './source.ts'

type SourceOf = (context: HostContext) => Source
const sources: Readonly<Record<HostSet, SourceOf>> = {
  ...{ cpu, memory, filesystem, disk, network, load, fds, pressure, cgroup, info },
}
/** They report a gauge of the original gateway whatever is selected. */
const always: readonly string[] = ['cpu', 'memory', 'filesystem']

/** What the collectors of one configuration share. Opens nothing. */
export function hostContext(options: HostOptions): HostContext {
  const { config, ownRoot = '/' } = options
  const files = filesBelow(config.root)
  const selected = (set: HostSet) => config.sets.includes(set)
  return { ...options, files, ownFiles: filesBelow(ownRoot), readings: createReadings({ ...options, files }), selected }
}

/** Collectors of the host; nothing is opened before the first collection. Missing values are left out. */
export function hostCollectors(options: HostOptions, context: HostContext = hostContext(options)): Collector[] {
  const wanted = (Object.entries(sources) as [HostSet, SourceOf][]).filter(
    ([set]) => always.includes(set) || context.selected(set),
  )
  return wanted.map(([set, source]) =>
    collectorOf(`host.${set}`, context.config.every, source(context), set === 'info' ? infoTimeoutMs : undefined),
  )
}

export const processCollectors = (
  eventLoop: Pick<EventLoop, 'delay'>,
  everyMs: number,
  root = '/',
): readonly Collector[] => [
  collectorOf('process', everyMs, processUsage(filesBelow(root))),
  collectorOf('event_loop', everyMs, eventLoopDelay(eventLoop)),
]
