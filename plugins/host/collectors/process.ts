/**
 * The process itself, by names of the Prometheus client libraries. What Bun reports as a constant or misreports is
 * left out: virtual memory, heap spaces, active handles, GC durations, event loop utilisation.
 */
import { heapSize } from 'bun:jsc'
import { processStartMs } from '../../../core/plugin.ts'
import { type Files, parsed } from './kernel-files.ts'
import { parseMaxOpenFiles } from './parse/system.ts'
import { type Source, unlabelled } from './source.ts'

const helps = {
  process_cpu_user_seconds_total: 'User CPU time of the process.',
  process_cpu_system_seconds_total: 'System CPU time of the process.',
  process_cpu_seconds_total: 'User and system CPU time of the process.',
  arkwatch_main_thread_cpu_seconds_total:
    'CPU time of the main thread, which serves requests; the rate nears 1 when the event loop is saturated.',
  process_start_time_seconds: 'Start time of the process, in seconds since the epoch.',
  process_resident_memory_bytes: 'Resident memory of the process.',
  nodejs_heap_size_used_bytes: 'JavaScript heap in use, external memory included.',
  nodejs_external_memory_bytes:
    'Memory outside the JavaScript heap that JavaScript objects hold; part of nodejs_heap_size_used_bytes.',
  process_open_fds: 'Open file descriptors of the process.',
  process_max_fds: 'Largest number of open file descriptors of the process.',
}

export const processUsage = (files: Files): Source =>
  unlabelled(helps, async () => {
    const openFds = await files.count('/proc/self/fd')
    const maxFds = await parsed(files, '/proc/self/limits', parseMaxOpenFiles)
    const used = process.cpuUsage()
    const memory = process.memoryUsage()
    const thread = process.threadCpuUsage()
    return {
      process_cpu_user_seconds_total: used.user / 1e6,
      process_cpu_system_seconds_total: used.system / 1e6,
      process_cpu_seconds_total: (used.user + used.system) / 1e6,
      arkwatch_main_thread_cpu_seconds_total: (thread.user + thread.system) / 1e6,
      process_start_time_seconds: processStartMs / 1000,
      process_resident_memory_bytes: memory.rss,
      nodejs_heap_size_used_bytes: heapSize(),
      nodejs_external_memory_bytes: memory.external,
      // The listing itself holds one.
      process_open_fds: openFds && openFds - 1,
      process_max_fds: maxFds,
    }
  })
