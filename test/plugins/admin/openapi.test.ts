import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Validator } from '@seriousme/openapi-schema-validator'
import { type AdminRuntime, bootAdmin } from './support.ts'

// A thread is started, and the disk is waited for.
setDefaultTimeout(60_000)

let at: AdminRuntime
let text: string
beforeAll(async () => {
  at = await bootAdmin()
  text = await (await at.send('/admin/openapi.json')).text()
})
afterAll(() => at.stop())

test('the served document passes the recommended rules of Redocly', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const problems = await lintFromString({ source: text, config })
  const found = problems.map(({ ruleId, message, location }) => ({ ruleId, message, at: location[0]?.pointer }))
  expect(found).toEqual([])
})

test('the served document is valid by the schema of OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(JSON.parse(text) as never)
  expect([valid, errors]).toEqual([true, undefined])
})

test('a document that is not valid is found so, by both', async () => {
  const broken = { ...(JSON.parse(text) as Record<string, unknown>), info: {} }
  const config = await createConfig({ extends: ['recommended'] })
  expect((await lintFromString({ source: JSON.stringify(broken), config })).length).toBeGreaterThan(0)
  expect((await new Validator().validate(broken)).valid).toBe(false)
})
