/** Memory and swap from `/proc/meminfo`; `arkrelay_system_memory_percent` always. */
import { usedPercent } from './parse/meminfo.ts'
import type { HostContext, Source } from './source.ts'

/**
 * The kernel's name, the metric's name and its meaning. node_exporter puts the kernel's CamelCase into the metric's name,
 * which Prometheus' own naming rules refuse; where it has a name in snake_case (on macOS), that one is used.
 */
const rows = [
  ['MemTotal', 'node_memory_total_bytes', 'Usable memory of the host.'],
  ['MemFree', 'node_memory_free_bytes', 'Memory that nothing uses.'],
  ['MemAvailable', 'node_memory_available_bytes', 'Memory that new work can have without swapping.'],
  ['Buffers', 'node_memory_buffers_bytes', 'Buffers of block devices.'],
  ['Cached', 'node_memory_cached_bytes', 'Page cache, shared memory included.'],
  ['Shmem', 'node_memory_shmem_bytes', 'Shared memory and tmpfs.'],
  ['Slab', 'node_memory_slab_bytes', "The kernel's own structures."],
  ['SReclaimable', 'node_memory_slab_reclaimable_bytes', 'The part of slab that can be given back.'],
  ['Dirty', 'node_memory_dirty_bytes', 'Memory that waits to be written to disk.'],
  ['SwapTotal', 'node_memory_swap_total_bytes', 'Size of swap.'],
  ['SwapFree', 'node_memory_swap_free_bytes', 'Swap that is unused.'],
  ['SwapCached', 'node_memory_swap_cached_bytes', 'Memory that is in swap too.'],
] as const

export const memory =
  ({ readings, selected }: HostContext): Source =>
  (batch) => {
    const percent = batch.gauge({
      name: 'arkrelay_system_memory_percent',
      help: 'Share of memory that is not available to new work, 0-100.',
    })
    const gauges = selected('memory')
      ? rows.map(([key, name, help]) => ({ key, gauge: batch.gauge({ name, help }) }))
      : []
    return async () => {
      const values = await readings.memory()
      batch.observe(() => {
        if (!values) return
        percent.set(usedPercent(values))
        for (const { key, gauge } of gauges) gauge.set(values.get(key))
      })
    }
  }
