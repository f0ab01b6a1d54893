/** What every plugin must keep, as tests. Call it in a test file of bun:test. */
import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { serviceIds } from '../core/lifecycle/graph.ts'
import { hookFaults, leakFaults, setupFaults, timerFaults } from './contract-checks.ts'
import { contractSubject, type PluginContractOptions, statusOf } from './contract-subject.ts'

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

/** Defines the tests of the contract for one plugin. */
export function pluginContract(plugin: unknown, options: PluginContractOptions = {}): void {
  const subject = contractSubject(plugin, options)
  const { definition } = subject
  const { config = {}, secrets = [] } = options

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

    test('setup is synchronous, returns known parts and opens nothing, and stop is safe without start', async () => {
      expect(await setupFaults(subject)).toEqual([])
    })

    test('it starts and stops again and again and leaves no timer, thread, listener or file behind', async () => {
      expect(await leakFaults(subject)).toEqual([])
    })

    test('no timer of it throws within an hour', async () => {
      expect(await timerFaults(subject)).toEqual([])
    })

    test('it publishes exactly the services that it declares', async () => {
      await using booted = await subject.boot()
      const status = statusOf(subject, booted)
      expect(status.provides).toEqual(serviceIds(definition.provides))
      if (status.state === 'disabled') return
      for (const id of status.provides) expect(booted.runtime.service({ kind: 'service', id })).toBeDefined()
    })

    test('its request hooks neither throw nor return a promise', async () => {
      expect(await hookFaults(subject)).toEqual([])
    })

    test('no secret of its config shows in status, effective config or logs', async () => {
      const booted = await subject.boot()
      await booted.stop()
      const seen = JSON.stringify([booted.runtime.status(), await booted.runtime.describeConfig(), booted.lines])
      for (const secret of secrets) expect(seen).not.toContain(secret)
    })
  })
}
