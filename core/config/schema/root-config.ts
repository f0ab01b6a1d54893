/** The top level of config.yaml: the settings of the runtime itself. */
import { z } from 'zod'
import { bindHost } from '../../contract/bind-address.ts'
import type { Environment } from '../../contract/definition.ts'
import { duration, size } from '../../contract/units.ts'

export const environments = ['development', 'testing', 'staging', 'production'] as const

const Server = z.strictObject({
  host: bindHost().default('127.0.0.1').describe('Address that the listener binds to.'),
  port: z.int().min(0).max(65_535).default(8080).describe('Port of the listener; 0: any free one.'),
  limits: z
    .strictObject({
      body: size({ min: '1kB', max: '1GiB' }).prefault('1MiB').describe('Largest request body; a larger one is 413.'),
      url: z.int().min(256).max(65_536).default(8192).describe('Characters of a request target; a longer one is 414.'),
    })
    .prefault({})
    .describe('What a request may cost at most.'),
  drainDelay: duration({ max: '5m' }).prefault('0s').describe('How long `/readyz` fails before the listener closes.'),
  drainTimeout: duration({ max: '10m' }).prefault('10s').describe('How long requests in flight may take after that.'),
})

const Workers = z.strictObject({
  maxThreads: z.int().min(1).max(64).default(2).describe('Threads for tasks, started when needed.'),
  maxQueue: z.int().min(1).max(100_000).default(1_000).describe('Tasks that may wait in each lane; more are refused.'),
})

const Monitoring = z.strictObject({
  autoStart: z.boolean().default(true).describe('false: collectors, checks and rules wait for `arkwatch resume`.'),
})

/** Keys that every plugin's section may hold beside the plugin's own. */
export const reserved = {
  enabled: z.boolean().default(true).describe('Whether the plugin runs.'),
  required: z.boolean().default(false).describe('Whether the boot ends when the plugin fails.'),
  from: z.string().min(1).max(1_024).optional().describe('Path (relative to this file) or npm package of the plugin.'),
}
export const reservedKeys = Object.keys(reserved)

const PluginName = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'expected a plugin name in lower_snake_case')

export const RootConfig = z
  .strictObject({
    environment: z
      .enum(environments)
      .default('development')
      .describe('Chooses the presets: defaults of the listener and of plugins.'),
    server: Server.optional().describe('The public listener; without it there is none.'),
    data: z.string().min(1).default('./data').describe('Directory for all that is kept, relative to this file.'),
    workers: Workers.prefault({}).describe('Worker threads.'),
    monitoring: Monitoring.prefault({}).describe('Background monitoring.'),
    plugins: z
      .record(PluginName, z.looseObject(reserved))
      .default({})
      .describe('Plugins by name, started in the order of the services that they need, else in the order here.'),
  })
  .describe('Configuration of Arkwatch.')

/** Presets of the runtime for an environment: config.yaml is merged over the preset, the preset over the defaults. */
export const rootPresets: Partial<Record<Environment, { readonly server: unknown }>> = {
  staging: { server: { drainDelay: '5s' } },
  production: { server: { drainDelay: '5s' } },
}
