import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { roles } from '../../../plugins/admin/api.ts'
import type { Document } from '../../../plugins/admin/http/document.ts'
import { fromSchema } from './from-schema.ts'
import { type AdminRuntime, adminKey, bootAdmin } from './support.ts'

// Every operation is called many times, over a socket.
setDefaultTimeout(300_000)

const canary = 'CANARY-55aa-never-shown'
const numRuns = process.env.ARKWATCH_PROOF === '1' ? 150 : 8

let at: AdminRuntime
let document: Document
const keys: string[] = []
beforeAll(async () => {
  at = await bootAdmin({
    admin: { lockout: { failures: 1_000 }, maxStreams: 1_000 },
    config: {
      plugins: {
        health: {
          checks: {
            database: { kind: 'postgres', url: `postgres://u:${canary}@127.0.0.1:1/x`, every: '1s' },
            web: {
              kind: 'http',
              url: 'http://127.0.0.1:1/',
              every: '1s',
              headers: { authorization: `Bearer ${canary}` },
            },
          },
        },
      },
    },
    env: { SOME_SECRET: canary },
  })
  document = (await at.underContract()).document
  for (const role of roles) keys.push(await at.keyOf(role))
})
afterAll(() => at.stop())

/** Those that would change what the others are asked about, or never end. */
const leftOut = [
  '/admin/stream',
  '/admin/audit/stream',
  '/admin/shutdown',
  '/admin/keys/{id}/rotate',
  '/admin/audit/export',
]
const operations = () =>
  Object.entries(document.paths)
    .filter(([path]) => !leftOut.includes(path))
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })))

const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom('metrics', 'root', '..', '%00', '-1', '1e99', 'null', '’', "' OR 1=1 --"),
)
const json = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    '',
    '{',
    '[]',
    'null',
    '{"__proto__":{}}',
    '{"patch":{}}',
    '{"patch":{"plugins":{"metrics":{"path":5}}}}',
    '{"level":"warn"}',
    '{"service":"x"}',
    '{"duration_seconds":0}',
    '{"key":"x"}',
    '{"value":"x"}',
  ),
)

interface Body {
  readonly content: Readonly<Record<string, { readonly schema: unknown }>>
}

test('no generated request gets a status that the document does not name, a fault, or a slow answer', async () => {
  for (const { path, method, operation } of operations()) {
    const names = (operation.parameters ?? []).filter((each) => each.in === 'query').map(({ name }) => name)
    const schema = (operation.requestBody as Body | undefined)?.content['application/json']?.schema as never
    const request = fc.record({
      parts: fc.array(text, { minLength: 3, maxLength: 3 }),
      query: fc.dictionary(fc.constantFrom(...names, 'unknown'), text, { maxKeys: 3 }),
      headers: fc.dictionary(
        fc.constantFrom('if-match', 'idempotency-key', 'accept', 'x-request-id'),
        fc.constantFrom('x', '"x"', '*', '*/*', 'a b'),
        { maxKeys: 2 },
      ),
      body:
        schema === undefined
          ? json
          : fc.oneof(
              json,
              fromSchema(schema).map((value) => JSON.stringify(value)),
            ),
      type: fc.constantFrom('application/json', 'application/json', 'text/plain'),
      key: fc.constantFrom(null, 'wrong', ...keys),
    })
    const check = fc.asyncProperty(request, async ({ parts, query, headers, body, type, key }) => {
      let index = 0
      const filled = path.replaceAll(/{\w+}/g, () => encodeURIComponent(parts[index++] || 'x').replace(/^\.+$/, 'x'))
      const search = new URLSearchParams(query).toString()
      const beganMs = performance.now()
      const response = await at.send(`${filled}${search && `?${search}`}`, {
        method: method.toUpperCase(),
        key,
        headers: { ...headers, 'content-type': type },
        ...(method !== 'get' && { body }),
      })
      const answer = await response.text()
      const named = Object.keys(operation.responses).includes(String(response.status))
      expect([method, path, response.status, response.status === 500 ? answer : named]).toEqual([
        method,
        path,
        response.status,
        true,
      ])
      expect(performance.now() - beganMs).toBeLessThan(5_000)
      if (response.status >= 400)
        expect(JSON.parse(answer)).toMatchObject({ status: response.status, code: expect.any(String) })
      expect(answer).not.toContain(canary)
    })
    await fc.assert(check, { numRuns, endOnFailure: true })
  }
  expect((await at.send('/admin/status')).status).toBe(200)
  expect([...at.violations]).toEqual([])
})

test('no answer, metric, bundle or file of ours holds a secret of the configuration or a key', async () => {
  for (const { path, method } of operations()) {
    if (method !== 'get' || path.includes('{')) continue
    const answer = await (await at.send(path)).text()
    for (const secret of [canary, adminKey, ...keys]) expect([path, answer.includes(secret)]).toEqual([path, false])
  }
  const headers = { cookie: `x=${canary}`, 'x-secret': canary, 'user-agent': 'x', authorization: `Bearer ${canary}` }
  expect([401, 429]).toContain((await at.send('/admin/status', { key: null, headers })).status)
  await at.send('/admin/session', { key: null, json: { key: canary } })
  // The jobs of the requests before take the places otherwise.
  const { jobs } = (await at.get('/admin/jobs?limit=200')) as never as { jobs: { id: string; state: string }[] }
  for (const { id, state } of jobs) if (state === 'running') await at.send(`/admin/jobs/${id}`, { method: 'DELETE' })
  let job = await at.get('/admin/support-bundle', { json: { duration_seconds: 0 } })
  while (String(job.state) === 'running') {
    await Bun.sleep(20) // The bundle is written by other threads.
    job = await at.get(`/admin/jobs/${job.id}`)
  }
  const archive = new Uint8Array(await (await at.send(job.file!)).arrayBuffer())
  for (const [name, file] of await new Bun.Archive(Bun.gunzipSync(archive)).files()) {
    const content = await file.text()
    for (const secret of [canary, adminKey, ...keys]) expect([name, content.includes(secret)]).toEqual([name, false])
  }
  const exported = await (await at.send('/admin/audit/export')).text()
  const metrics = await (await at.send('/metrics', { key: null })).text()
  for (const secret of [canary, adminKey, ...keys])
    expect(exported.includes(secret) || metrics.includes(secret)).toBe(false)
  const data = at.runtime.dataDir
  for (const name of readdirSync(data)) {
    if (name === 'overlay.yaml' || !statSync(join(data, name)).isFile()) continue
    const bytes = readFileSync(join(data, name))
    for (const secret of [canary, adminKey, ...keys]) expect([name, bytes.includes(secret)]).toEqual([name, false])
  }
})
