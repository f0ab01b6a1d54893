/** The runtime and its plugins. */
import { z } from '@hono/zod-openapi'
import type { PlanStep, PluginStatus, Runtime } from '../../../core/plugin.ts'
import type { ChangeNote } from '../api.ts'
import { adminError } from '../errors.ts'
import { refuseOwn } from '../guard/patch-policy.ts'
import { iso, isoOrNull, nameParam, reply, time } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'

export const PluginSchema = z
  .object({
    name: z.string(),
    version: z.string(),
    state: z.enum(['disabled', 'starting', 'ok', 'degraded', 'failed', 'blocked', 'stopping', 'stopped']),
    reason: z.string(),
    required: z.boolean(),
    provides: z.array(z.string()),
    needs: z.array(z.string()),
    wants: z.array(z.string()),
    start_ms: z.number(),
    started_at: time.nullable(),
    errors: z.int(),
    cpu_ms: z
      .number()
      .describe(
        'Time of timers on the main thread, without the request hooks, the routes, which wait, and the threads of the plugin.',
      ),
    task_ms: z.number().describe('Time of the tasks of the plugin in the worker threads.'),
    hook_ms: z.number().describe('Time of the request hooks of the plugin, mostly estimated from samples.'),
  })
  .openapi('Plugin')

export const StepSchema = z
  .object({
    plugin: z.string().describe('Name of the plugin; `server` for the public listener.'),
    action: z.enum(['untouched', 'reconfigure', 'replace', 'add', 'remove']),
    reason: z.string(),
    state: z
      .enum(['kept', 'lost', 'none'])
      .describe('Whether the state in the memory of the plugin is kept; none for a plugin without state.'),
    off: z.string().optional().describe('Why the plugin does not run after the step, where this is new.'),
  })
  .openapi('PlanStep')

export function shownPlugin(plugin: PluginStatus) {
  const { name, version, state, reason, required, errors, startMs, cpuMs, taskMs, hookMs } = plugin
  const services = { provides: [...plugin.provides], needs: [...plugin.needs], wants: [...plugin.wants] }
  const start = { start_ms: startMs, started_at: isoOrNull(plugin.startedAtMs) }
  const cost = { cpu_ms: cpuMs, task_ms: taskMs, hook_ms: hookMs }
  return { name, version, state, reason, required, ...services, ...start, errors, ...cost }
}

const Status = z
  .object({
    version: z.string(),
    environment: z.string(),
    pid: z.int(),
    started_at: time,
    boot_ms: z.number().nullable(),
    ready: z.boolean(),
    paused: z.boolean(),
    generation: z.int(),
    last_reload: z.object({ ok: z.boolean(), at: time, error: z.string().nullable() }),
    listeners: z.array(z.object({ name: z.string(), url: z.string() })),
    plugins: z.record(z.string(), z.int()).describe('How many plugins are in each state.'),
  })
  .openapi('Status')

export function shownStatus(runtime: Pick<Runtime, 'status'>) {
  const status = runtime.status()
  const plugins: Record<string, number> = {}
  for (const { state } of status.plugins) plugins[state] = (plugins[state] ?? 0) + 1
  const { version, environment, pid, startedAtMs, bootMs, ready, paused, generation, lastReload } = status
  const start = { started_at: iso(startedAtMs), boot_ms: bootMs ?? null }
  const last_reload = { ok: lastReload.ok, at: iso(lastReload.atMs), error: lastReload.error ?? null }
  const listeners = status.listeners.map(({ name, url }) => ({ name, url }))
  return { version, environment, pid, ...start, ready, paused, generation, last_reload, listeners, plugins }
}

export function pluginRoutes(runtime: Runtime) {
  const { app, route } = createRoutes()
  const find = (name: string): PluginStatus => {
    const plugin = runtime.status().plugins.find((each) => each.name === name)
    if (plugin !== undefined) return plugin
    const where = 'GET /admin/plugins lists those that the configuration names; PATCH /admin/config names others.'
    throw adminError('ADMIN_NOT_FOUND', { what: `plugin ${JSON.stringify(name)}`, where })
  }
  const params = z.object({ name: nameParam('Name of the plugin.') })
  const steps = z.object({ steps: z.array(StepSchema), plugin: PluginSchema })
  /** Carries out a change of a plugin, and notes the plugin's state before and after. */
  const change = async (note: ChangeNote, name: string, run: () => Promise<readonly PlanStep[]>) => {
    const before = find(name)
    const done = await run()
    const after = find(name)
    Object.assign(note, { before: { state: before.state }, after: { state: after.state } })
    return { steps: [...done], plugin: shownPlugin(after) }
  }

  route(
    'get /status',
    'Shows the runtime as a whole.',
    { id: 'status.show', access: 'viewer' },
    { 200: reply('The runtime.', Status) },
    () => shownStatus(runtime),
  )
  route(
    'get /plugins',
    'Lists the plugins with state and cost.',
    { id: 'plugins.list', access: 'viewer' },
    { 200: reply('The plugins, in start order.', z.object({ plugins: z.array(PluginSchema) })) },
    () => ({ plugins: runtime.status().plugins.map(shownPlugin) }),
  )
  route(
    'get /plugins/{name}',
    'Shows one plugin.',
    { id: 'plugins.show', access: 'viewer' },
    { params, 200: reply('The plugin.', PluginSchema) },
    (c) => shownPlugin(find(c.req.valid('param').name)),
  )
  route(
    'post /plugins/{name}/restart',
    'Replaces one plugin by a new instance, and those that hold its services.',
    { id: 'plugins.restart', access: 'operator' },
    { params, 200: reply('The plugin runs again.', steps) },
    (c) => {
      const { name } = c.req.valid('param')
      return change(c.var.note, name, () => runtime.restart(name))
    },
  )
  for (const verb of ['enable', 'disable'] as const) {
    const enabled = verb === 'enable'
    route(
      `post /plugins/{name}/${verb}`,
      `Writes enabled: ${enabled} for one plugin to the overlay, and applies it.`,
      { id: `plugins.${verb}`, access: 'admin' },
      { params, 200: reply('The change was applied.', steps) },
      (c) => {
        const { name } = c.req.valid('param')
        refuseOwn(name)
        const wanted = { plugins: { [name]: { enabled } } }
        const by = c.var.principal.name
        return change(c.var.note, name, async () => (await runtime.changes.apply(wanted, { by })).steps)
      },
    )
  }
  return app
}
