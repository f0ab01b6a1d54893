/** The part of the surface that a running Arkwatch says: its commands, operations, metrics and files. */
import { readdirSync } from 'node:fs'
import { z } from 'zod'
import { type AnyPlugin, controlCommand, definePlugin } from '../../../core/plugin.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { catalog } from '../../../plugins/catalog.ts'
import { collector, type MetricFactory } from '../../../plugins/metrics/api.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'

export interface RuntimeSurface {
  readonly controlCommands: readonly string[]
  /** `plugins.restart: POST /admin/plugins/{name}/restart`. */
  readonly operations: readonly string[]
  readonly components: readonly string[]
  /** Types by name. */
  readonly metrics: ReadonlyMap<string, string>
  /** HELP texts by name of the metric. */
  readonly helps: ReadonlyMap<string, string>
  readonly dataFiles: readonly string[]
}

interface Document {
  readonly paths: Record<string, Record<string, { readonly operationId: string }>>
  readonly components: Record<string, Record<string, unknown>>
}

/** Writes down the families that a collector registers. */
function recorder(seen: Map<string, string>, helps: Map<string, string>): MetricFactory {
  const handle = { inc() {}, set() {}, add() {}, observe() {} }
  const family = (type: string) => (options: { name: string; help: string }) => {
    seen.set(options.name, type)
    helps.set(options.name, options.help)
    return { name: options.name, labels: () => handle, remove() {}, ...handle }
  }
  const types = ['counter', 'gauge', 'histogram', 'summary'] as const
  const families = Object.fromEntries(types.map((type) => [type, family(type)]))
  return { ...families, batch: () => ({ ...families, observe() {} }) } as unknown as MetricFactory
}

/** Boots every plugin of the catalog, those that need a service with an address where nothing listens. */
export async function readRuntime(): Promise<RuntimeSurface> {
  const [metrics, helps] = [new Map<string, string>(), new Map<string, string>()]
  let collect = () => {}
  const commands = new Set<string>()
  const reader = definePlugin({
    api: 1,
    name: 'surface',
    version: '1.0.0',
    summary: 'Reads what the other plugins contribute.',
    config: z.strictObject({}),
    setup({ extensions }) {
      const [collectors, contributed] = [extensions(collector), extensions(controlCommand)]
      collect = () => {
        for (const { value } of collectors.all) value.setup(recorder(metrics, helps))
        for (const { value } of contributed.all) commands.add(value.name)
      }
      return {}
    },
  })
  const booted = await testRuntime({
    clock: systemClock,
    catalog,
    plugins: [reader as unknown as AnyPlugin],
    config: {
      server: { port: 0 },
      plugins: {
        ...Object.fromEntries(Object.keys(catalog).map((name) => [name, {}])),
        logging: { console: { enabled: false } },
        redis: { url: 'redis://127.0.0.1:1' },
        pool: { url: 'postgres://nobody@127.0.0.1:1/none' },
      },
    },
  })
  try {
    collect()
    for (const name of booted.runtime.commands().keys()) commands.add(name)
    const dataFiles = readdirSync(booted.runtime.dataDir).filter((name) => !/-(wal|shm)$/.test(name))
    const key = (await Bun.file(`${booted.runtime.dataDir}/admin.key`).text()).trim()
    const answer = await booted.fetch('/admin/openapi.json', { headers: { 'x-admin-key': key } })
    if (!answer.ok) throw new Error(`/admin/openapi.json answers ${answer.status}: ${await answer.text()}`)
    const { paths, components } = (await answer.json()) as Document
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${operationId}: ${method.toUpperCase()} ${path}`),
    )
    const names = Object.entries(components).flatMap(([kind, all]) => Object.keys(all).map((name) => `${kind} ${name}`))
    return { controlCommands: [...commands], operations, components: names, metrics, helps, dataFiles }
  } finally {
    await booted.stop()
  }
}
