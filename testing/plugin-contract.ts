/** The contract of every plugin, as tests. Call `pluginContract` in a test file of bun:test. */
import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { serviceIds } from '../core/config/graph.ts'
import type { AnyPlugin } from '../core/contract/definition.ts'
import { hookFaults, leakFaults, setupFaults, timerFaults } from './contract-checks.ts'
import { ContractSubject, type PluginContractOptions } from './contract-subject.ts'
import { secretsOf } from './secret-texts.ts'

/** Work in threads takes real time, also work that hangs. */
const realMs = 60_000

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

/**
 * Defines the tests of the contract for one plugin. Counted as open: timers, threads, descriptors of files and sockets,
 * `fs.watch`, `fs.watchFile`, and listeners of `process`; not a MessagePort, a BroadcastChannel or another listener.
 */
export function pluginContract(plugin: unknown, options: PluginContractOptions = {}): void {
  const definition = plugin as AnyPlugin
  const subject = new ContractSubject(definition, options)
  const { config = {} } = options
  const marked = secretsOf(definition.config, config)
  const secrets = [...(options.secrets ?? []), ...marked.texts]

  describe(`the contract of plugin ${definition.name}`, () => {
    test('its name, version and summary are well-formed', () => {
      expect(definition.name).toMatch(/^[a-z][a-z0-9_]*$/)
      expect(definition.version).toMatch(/^\d+\.\d+\.\d+/)
      expect(definition.summary).toMatch(/\.$/)
    })

    test('its config schema exports, is strict, and describes every field', () => {
      const schema = z.toJSONSchema(definition.config, { io: 'input' }) as JsonSchema
      const advice = 'the schema takes unknown options: make it with z.strictObject'
      expect(schema, advice).toMatchObject({ additionalProperties: false })
      expect(undescribed(schema)).toEqual([])
      expect(definition.config.safeParse({ surely_not_an_option: 1, ...config }).success).toBe(false)
      expect(definition.config.safeParse(config).success).toBe(true)
    })

    test('setup is synchronous, returns known parts and opens nothing, and stop is safe without start', async () => {
      expect(await setupFaults(subject)).toEqual([])
    })

    test(
      'it starts and stops again and again and leaves no timer, thread, listener, watcher or file open',
      async () => {
        expect(await leakFaults(subject)).toEqual([])
      },
      realMs,
    )

    test(
      'none of its timers throws within an hour, or continues after the stop',
      async () => {
        expect(await timerFaults(subject)).toEqual([])
      },
      realMs,
    )

    test('it publishes exactly the services that it declares', async () => {
      await using booted = await subject.boot()
      const { provides, state } = subject.statusIn(booted)
      expect(provides).toEqual(serviceIds(definition.provides))
      for (const id of state === 'disabled' ? [] : provides)
        expect(booted.runtime.service({ kind: 'service', id })).toBeDefined()
    })

    test('its request hooks neither throw nor return a promise', async () => {
      expect(await hookFaults(subject)).toEqual([])
    })

    // A line for a plugin without secrets would say that something was tested.
    if (secrets.length === 0 && marked.fields.length === 0) return
    const values = secrets.length === 0 ? `: give ${marked.fields.join(', ')} a value in \`config\`` : ''
    test.skipIf(values !== '')(
      `no secret of its config shows in status, effective config or logs${values}`,
      async () => {
        const booted = await subject.boot()
        const running = [booted.runtime.status(), await booted.runtime.describeConfig()]
        await booted.stop()
        const seen = JSON.stringify([running, booted.runtime.status(), booted.lines])
        for (const secret of secrets) expect(seen).not.toContain(secret)
      },
    )
  })
}
