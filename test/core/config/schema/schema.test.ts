import { describe, expect, test } from 'bun:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { configSchema } from '../../../../core/config/schema/json-schema.ts'
import { catalog } from '../support.ts'

const schema = (await configSchema(catalog)) as Parameters<typeof z.fromJSONSchema>[0] & { $schema: string }
const validator = z.fromJSONSchema(schema)
const accepts = (yaml: string) => validator.safeParse(parse(yaml)).success

describe('an editor accepts', () => {
  test.each([
    ['empty sections', 'server:\nworkers:\nplugins:\n  watcher:\n'],
    ['options', 'plugins:\n  watcher: { level: warn, every: 15s, buffer: 1MiB, ratio: 0.5, tags: [a] }\n'],
    ['what every section may hold', 'plugins:\n  watcher: { enabled: false, required: true }\n'],
    ['an include', 'include: a.yaml\n'],
    ['a list of includes', 'include: [a.yaml, b.yaml]\n'],
    ['a plugin by its path', 'plugins:\n  mine: { from: ./mine.ts, anything: 5 }\n'],
    ['an expansion for a number', 'server:\n  port: ${env:PORT:-8080}\n'],
    ['an expansion for a boolean', 'plugins:\n  watcher:\n    enabled: ${env:ON}\n    on: ${env:ON}\n'],
    ['an expansion for one of a set', 'environment: ${env:ENVIRONMENT:-development}\n'],
    ['an expansion for a duration', 'plugins:\n  watcher:\n    every: ${env:EVERY}\n'],
    ['a check of a kind', 'plugins:\n  watcher: { checks: { a: { kind: sql, url: "${env:URL:-}", every: 5s } } }\n'],
    ['a bare 0 for a duration', 'plugins:\n  watcher: { every: 0 }\n'],
    ['a union', 'plugins:\n  watcher: { sink: { file: x } }\n'],
  ])('%s', (_name, yaml) => {
    expect(accepts(yaml)).toBe(true)
  })
})

describe('an editor refuses', () => {
  test.each([
    ['an unknown key at the top', 'sever: {}\n'],
    ['an unknown option', 'plugins:\n  watcher: { levl: info }\n'],
    ['an unknown plugin without its module', 'plugins:\n  wacher: {}\n'],
    ['a wrong type', 'server: { port: eighty }\n'],
    ['a number out of bounds', 'server: { port: 70000 }\n'],
    ['not one of a set', 'plugins:\n  watcher: { level: wran }\n'],
    ['a duration without its unit', 'plugins:\n  watcher: { every: soon }\n'],
    ['a number for a duration', 'plugins:\n  watcher: { every: 5 }\n'],
    ['a 0 for a text', 'plugins:\n  watcher: { target: 0 }\n'],
    ['an option of another kind', 'plugins:\n  watcher: { checks: { a: { kind: http, every: 5s } } }\n'],
  ])('%s', (_name, yaml) => {
    expect(accepts(yaml)).toBe(false)
  })
})

test('every property is described, and shows its default as it would be written', () => {
  const { properties } = schema as unknown as {
    properties: Record<string, { description?: string; default?: unknown }>
  }
  for (const [name, each] of Object.entries(properties))
    expect([name, typeof each.description]).toEqual([name, 'string'])
  const text = JSON.stringify(schema)
  expect(text).toContain('"default":"15s"')
  expect(text).toContain('"writeOnly":true')
})

test('it is the same each time', async () => {
  expect(JSON.stringify(await configSchema(catalog))).toBe(JSON.stringify(schema))
})
