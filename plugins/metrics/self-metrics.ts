/** Collectors of the runtime's own state. */

import { pluginStates, type Runtime, version } from '../../core/plugin.ts'
import type { Collector } from './api.ts'

type Source = Pick<Runtime, 'status' | 'activeRequests'>

/** State, start time, errors and cost of every plugin, and how the last reload went. */
export const runtimeCollector = (runtime: Source): Collector => ({
  name: 'metrics.runtime',
  setup(metrics) {
    const batch = metrics.batch()
    const state = batch.gauge({
      name: 'arkwatch_plugin_state',
      help: 'State of a plugin: 1 for the current state, 0 for every other state.',
      labels: ['plugin', 'state'],
    })
    const labels = ['plugin'] as const
    const startHelp = 'Duration of setup and start of a plugin.'
    const start = batch.gauge({ name: 'arkwatch_plugin_start_seconds', help: startHelp, labels })
    const counter = (name: string, help: string) =>
      batch.counter({ name: `arkwatch_plugin_${name}_total`, help, labels })
    const errors = counter('errors', 'Errors thrown by the timers, hooks, routes and contributions of a plugin.')
    const cpu = counter('cpu_seconds', 'Time on the main thread in the timers of a plugin, without its request hooks.')
    const tasks = counter('task_seconds', 'Run time of the tasks of a plugin in the worker threads.')
    const hooks = counter(
      'hook_seconds',
      'Time in the request hooks of a plugin: measured for observers, estimated from one call in 1,024 for other hooks.',
    )
    const gauge = (name: string, help: string) => batch.gauge({ name: `arkwatch_config_${name}`, help })
    const reloaded = gauge(
      'last_reload_success',
      'Whether the last reload of the configuration succeeded: 1 yes, 0 no.',
    )
    const reloadedAt = gauge(
      'last_reload_timestamp_seconds',
      'Time of the last load of the configuration, in seconds since the epoch.',
    )
    const generation = gauge(
      'generation',
      'Number of the current configuration, counted from 1 since the start of the process.',
    )
    return () => {
      const { plugins, lastReload, generation: current } = runtime.status()
      batch.observe(() => {
        for (const { name: plugin, state: now, startMs, errors: count, cpuMs, taskMs, hookMs } of plugins) {
          for (const one of pluginStates) state.set(one === now ? 1 : 0, { plugin, state: one })
          start.set(startMs / 1_000, { plugin })
          errors.set(count, { plugin })
          cpu.set(cpuMs / 1_000, { plugin })
          tasks.set(taskMs / 1_000, { plugin })
          hooks.set(hookMs / 1_000, { plugin })
        }
        reloaded.set(lastReload.ok ? 1 : 0)
        reloadedAt.set(lastReload.atMs / 1_000)
        generation.set(current)
      })
    }
  },
})

export const activeRequestsCollector = (runtime: Source): Collector => ({
  name: 'metrics.http',
  setup(metrics) {
    const active = metrics.gauge({ name: 'http_server_active_requests', help: 'HTTP requests in progress.' }).labels({})
    return () => active.set(runtime.activeRequests())
  },
})

/** @param app the application's own version, where it is configured */
export const buildInfoCollector = (app: { version: string; revision: string } | undefined): Collector => ({
  name: 'metrics.build_info',
  setup(metrics) {
    metrics
      .gauge({
        name: 'arkwatch_build_info',
        help: 'Always 1; the labels hold the versions of Arkwatch and Bun.',
        labels: ['version', 'bun_version'],
      })
      .set({ version, bun_version: Bun.version }, 1)
    if (app !== undefined) {
      const info = metrics.gauge({
        name: 'app_build_info',
        help: 'Always 1; the labels hold the version of the application.',
        labels: ['version', 'revision'],
      })
      info.remove({})
      info.set(app, 1)
    }
    return () => {}
  },
})
