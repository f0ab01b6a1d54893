/** What every plugin must keep, as tests. Call it in a test file of bun:test. */
import { describe, expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { z } from 'zod'
import type { AnyPlugin } from '../core/contract/definition.ts'
import { serviceIds } from '../core/lifecycle/graph.ts'
import { testRuntime } from './test-runtime.ts'

export interface PluginContractOptions {
  /** Its section of config.yaml. @default {} */
  readonly config?: Readonly<Record<string, unknown>>
  /** Other plugins that provide what it needs. */
  readonly providers?: readonly unknown[]
  /** Values in `config` that must never be seen again. */
  readonly secrets?: readonly string[]
}

interface JsonSchema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly anyOf?: readonly JsonSchema[]
  readonly additionalProperties?: unknown
}

/** @returns the paths of fields without a description */
function undescribed(schema: JsonSchema, path = ''): string[] {
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const missing = field.description === undefined ? [`${path}/${name}`] : []
    return [...missing, ...undescribed(field, `${path}/${name}`)]
  })
  return [...fields, ...(schema.anyOf ?? []).flatMap((one) => undescribed(one, path))]
}

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'exit', 'uncaughtException', 'unhandledRejection', 'beforeExit']
const listeners = () => signals.map((name) => process.listenerCount(name)).join()
const openFiles = () => readdirSync('/proc/self/fd').length

/** Defines the tests of the contract for one plugin. */
export function pluginContract(plugin: unknown, options: PluginContractOptions = {}): void {
  const definition = plugin as AnyPlugin
  const { config = {}, providers = [], secrets = [] } = options
  const boot = () =>
    testRuntime({ plugins: [definition, ...providers], config: { plugins: { [definition.name]: { ...config } } } })

  describe(`the contract of plugin ${definition.name}`, () => {
    test('its name, version and summary are well-formed', () => {
      expect(definition.name).toMatch(/^[a-z][a-z0-9_]*$/)
      expect(definition.version).toMatch(/^\d+\.\d+\.\d+/)
      expect(definition.summary).toMatch(/\.$/)
    })

    test('its config schema exports, is strict, and describes every field', () => {
      const schema = z.toJSONSchema(definition.config, { io: 'input' }) as JsonSchema
      expect(schema.additionalProperties).toBe(false)
      expect(undescribed(schema)).toEqual([])
      expect(definition.config.safeParse({ surely_not_an_option: 1, ...config }).success).toBe(false)
      expect(definition.config.safeParse(config).success).toBe(true)
    })

    test('setup opens nothing, and stop is safe without start', async () => {
      const before = listeners()
      await using empty = await testRuntime({ plugins: providers })
      for (let round = 0; round < 2; round += 1) {
        const idle = {
          ...definition,
          setup: (context: never) => ({ ...definition.setup(context), start: undefined, ready: undefined }),
        }
        await using booted = await testRuntime({
          plugins: [idle, ...providers],
          config: { plugins: { [definition.name]: { ...config } } },
        })
        const state = booted.runtime.status().plugins.find(({ name }) => name === definition.name)?.state
        expect(['ok', 'degraded', 'disabled']).toContain(state!)
        expect(booted.clock.pending).toBe(empty.clock.pending)
        expect((await booted.stop()).hung).toEqual([])
      }
      expect(listeners()).toBe(before)
    })

    test('it starts and stops twice and leaves no timer, listener or file behind', async () => {
      const before = listeners()
      let files = 0
      for (let round = 0; round < 3; round += 1) {
        const booted = await boot()
        const { state, reason } = booted.runtime.status().plugins.find(({ name }) => name === definition.name)!
        expect(`${state} ${reason}`).toMatch(/^(ok|degraded|disabled)/)
        expect((await booted.stop()).hung).toEqual([])
        expect(booted.clock.pending).toBe(0)
        if (round === 0) files = openFiles()
      }
      expect(openFiles()).toBeLessThanOrEqual(files + 2)
      expect(listeners()).toBe(before)
    })

    test('it publishes exactly the services that it declares', async () => {
      await using booted = await boot()
      const status = booted.runtime.status().plugins.find(({ name }) => name === definition.name)!
      expect(status.provides).toEqual(serviceIds(definition.provides))
      if (status.state === 'disabled') return
      for (const id of status.provides) expect(booted.runtime.service({ kind: 'service', id })).toBeDefined()
    })

    test('its request hooks return no promise', async () => {
      let hooks: Record<string, unknown> = {}
      const spied = {
        ...definition,
        setup: (context: never) => {
          const parts = definition.setup(context)
          hooks = (parts.hooks ?? {}) as Record<string, unknown>
          return parts
        },
      }
      await using _booted = await testRuntime({
        plugins: [spied, ...providers],
        config: { plugins: { [definition.name]: { ...config } } },
      })
      for (const hook of Object.values(hooks)) {
        if (typeof hook === 'function') expect(hook.constructor.name).toBe('Function')
      }
    })

    test('no secret of its config shows in status, effective config or logs', async () => {
      const booted = await boot()
      await booted.stop()
      const seen = JSON.stringify([booted.runtime.status(), await booted.runtime.describeConfig(), booted.lines])
      for (const secret of secrets) expect(seen).not.toContain(secret)
    })
  })
}
