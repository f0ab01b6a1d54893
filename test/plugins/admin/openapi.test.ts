import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Validator } from '@seriousme/openapi-schema-validator'
import { roles } from '../../../plugins/admin/api.ts'
import cache from '../../../plugins/cache/index.ts'
import pool from '../../../plugins/pool/index.ts'
import { type AdminRuntime, bootAdmin } from './support.ts'

// A thread is started, and the disk is waited for.
setDefaultTimeout(60_000)

let at: AdminRuntime
let text: string
beforeAll(async () => {
  // With the routes of every plugin that brings some.
  at = await bootAdmin({
    plugins: [cache, pool],
    admin: { lockout: { failures: 1_000 } },
    config: { plugins: { cache: {}, pool: { url: 'postgres://u:p@127.0.0.1:1/x' } } },
  })
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

test('the routes of other plugins declare who may call them, and answer by their schema', async () => {
  const { document, seen } = await at.underContract()
  const brought = Object.entries(document.paths).filter(([path]) =>
    /^\/admin\/(pool|cache)|^\/monitoring\/cache/.test(path),
  )
  expect(brought.length).toBeGreaterThan(8)
  for (const [path, methods] of brought) {
    for (const [method, operation] of Object.entries(methods)) {
      expect([path, method, [...roles].includes(operation['x-access'] as never)]).toEqual([path, method, true])
      const filled = path.replaceAll(/{\w+}/g, 'default')
      expect((await at.send(filled, { method: method.toUpperCase(), key: null })).status).toBe(401)
      if (method === 'get') await at.send(filled)
    }
  }
  expect([...at.violations]).toEqual([])
  expect([...seen].filter((each) => each.endsWith(' 200')).length).toBeGreaterThan(4)
})
