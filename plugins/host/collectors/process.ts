/**
 * The process itself, by names of the Prometheus client libraries. What Bun reports as a constant or misreports is left
 * out: virtual memory, heap spaces, active handles, GC durations, event loop utilisation.
 */
import { heapSize } from 'bun:jsc'
import { processStartMs } from '../../../core/plugin.ts'
import { type Files, parsed } from './kernel-files.ts'
import { parseMaxOpenFiles } from './parse/system.ts'
import type { Source } from './source.ts'

export const processUsage =
  (files: Files): Source =>
  (batch) => {
    const user = batch.counter({ name: 'process_cpu_user_seconds_total', help: 'User CPU time of the process.' })
    const system = batch.counter({ name: 'process_cpu_system_seconds_total', help: 'System CPU time of the process.' })
    const cpu = batch.counter({ name: 'process_cpu_seconds_total', help: 'User and system CPU time of the process.' })
    const mainThread = batch.counter({
      name: 'arkwatch_main_thread_cpu_seconds_total',
      help: 'CPU time of the main thread, which serves requests; the rate nears 1 when the event loop is saturated.',
    })
    const start = batch.gauge({
      name: 'process_start_time_seconds',
      help: 'Start time of the process, in seconds since the epoch.',
    })
    const resident = batch.gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the process.',
    })
    const heap = batch.gauge({
      name: 'nodejs_heap_size_used_bytes',
      help: 'JavaScript heap in use, external memory included.',
    })
    const external = batch.gauge({
      name: 'nodejs_external_memory_bytes',
      help: 'Memory outside the JavaScript heap that JavaScript objects hold; part of nodejs_heap_size_used_bytes.',
    })
    const open = batch.gauge({ name: 'process_open_fds', help: 'Open file descriptors of the process.' })
    const max = batch.gauge({
      name: 'process_max_fds',
      help: 'Largest number of open file descriptors of the process.',
    })
    return async () => {
      const openFds = await files.count('/proc/self/fd')
      const maxFds = await parsed(files, '/proc/self/limits', parseMaxOpenFiles)
      batch.observe(() => {
        const used = process.cpuUsage()
        const memory = process.memoryUsage()
        const thread = process.threadCpuUsage()
        user.set(used.user / 1e6)
        system.set(used.system / 1e6)
        cpu.set((used.user + used.system) / 1e6)
        mainThread.set((thread.user + thread.system) / 1e6)
        start.set(processStartMs / 1000)
        resident.set(memory.rss)
        heap.set(heapSize())
        external.set(memory.external)
        // The listing itself holds one.
        open.set(openFds && openFds - 1)
        max.set(maxFds)
      })
    }
  }
