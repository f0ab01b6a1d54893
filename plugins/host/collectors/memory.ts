/** Memory and swap from `/proc/meminfo`; `arkrelay_system_memory_percent` always. */
import { usedPercent } from './parse/meminfo.ts'
import { type HostContext, type Source, unlabelled } from './source.ts'

const percent = {
  arkrelay_system_memory_percent: 'Percentage of the memory of the host that is not available to new work.',
}

/**
 * The kernel's name, the metric's name and its meaning. node_exporter puts the kernel's CamelCase into names, which
 * Prometheus' own rules refuse; where node_exporter has a name in snake_case (on macOS), that one is used.
 */
const rows: readonly (readonly [kernel: string, name: string, help: string])[] = [
  ['MemTotal', 'node_memory_total_bytes', 'Usable memory of the host.'],
  ['MemFree', 'node_memory_free_bytes', 'Unused memory of the host.'],
  ['MemAvailable', 'node_memory_available_bytes', 'Memory of the host that new work can get without swapping.'],
  ['Buffers', 'node_memory_buffers_bytes', 'Memory in buffers of block devices.'],
  ['Cached', 'node_memory_cached_bytes', 'Memory in the page cache, shared memory included.'],
  ['Shmem', 'node_memory_shmem_bytes', 'Memory in shared memory and tmpfs.'],
  ['Slab', 'node_memory_slab_bytes', 'Memory in structures of the kernel (slab).'],
  [
    'SReclaimable',
    'node_memory_slab_reclaimable_bytes',
    'Memory in structures of the kernel (slab) that can be reclaimed.',
  ],
  ['Dirty', 'node_memory_dirty_bytes', 'Memory that waits to be written to disk.'],
  ['SwapTotal', 'node_memory_swap_total_bytes', 'Size of the swap space.'],
  ['SwapFree', 'node_memory_swap_free_bytes', 'Unused swap space.'],
  ['SwapCached', 'node_memory_swap_cached_bytes', 'Memory that is in swap space and in RAM.'],
]

export function memory({ readings, selected }: HostContext): Source {
  const shown = selected('memory') ? rows : []
  const helps = Object.fromEntries(shown.map(([, name, help]) => [name, help]))
  return unlabelled({ ...percent, ...helps }, async () => {
    const values = await readings.memory()
    if (!values) return {}
    const bytes = Object.fromEntries(shown.map(([kernel, name]) => [name, values.get(kernel)]))
    return { arkrelay_system_memory_percent: usedPercent(values), ...bytes }
  })
}
