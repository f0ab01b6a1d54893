import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { type Access, roles } from '../../../plugins/admin/api.ts'
import { mayCall } from '../../../plugins/admin/guard/roles.ts'
import type { Document } from '../../../plugins/admin/http/document.ts'
import type { Contract } from './contract.ts'
import { type AdminRuntime, adminKey, bootAdmin } from './support.ts'

/** They do not end. */
const isStream = (path: string) => path.endsWith('/stream')

// Every operation is called by every role, over a socket.
setDefaultTimeout(120_000)

let at: AdminRuntime
let document: Document
let contract: Contract
const keys: Record<string, string> = {}
beforeAll(async () => {
  at = await bootAdmin({ admin: { endpoints: { heapdump: 'unrestricted' }, lockout: { failures: 1_000 } } })
  contract = await at.underContract()
  document = contract.document
  for (const role of roles) keys[role] = await at.keyOf(role)
})
afterAll(() => at.stop())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method,
      operation,
      access: operation['x-access'] as Access,
    })),
  )
const filled = (path: string) => path.replaceAll(/{\w+}/g, 'x')
const call = (path: string, method: string, key: string | null) =>
  at.send(filled(path), {
    method: method.toUpperCase(),
    key,
    headers: { 'content-type': 'application/json' },
    ...(method === 'get' ? {} : { body: '{"surely":"not valid"}' }),
  })

/** What the table of roles says, written out by hand: the code must agree with it, not the other way round. */
const table: Record<string, readonly string[]> = {
  viewer: ['viewer'],
  operator: ['viewer', 'operator'],
  admin: ['viewer', 'operator', 'admin', 'auditor'],
  auditor: ['viewer', 'auditor'],
}

test('the table of roles is what is documented', () => {
  for (const role of roles) {
    for (const access of roles)
      expect([role, access, mayCall(role, access)]).toEqual([role, access, table[role]!.includes(access)])
  }
})

test('every operation declares its access, and there are many', () => {
  expect(operations().length).toBeGreaterThan(45)
  for (const { path, method, access } of operations())
    expect([method, path, [...roles, 'public'].includes(access)]).toEqual([method, path, true])
})

test('each role may call exactly what its access says, cell by cell', async () => {
  let cells = 0
  for (const { path, method, access } of operations()) {
    if (access === 'public' || isStream(path)) continue
    for (const role of roles) {
      const { status } = await call(path, method, keys[role]!)
      const refused = status === 403
      // What is closed for everybody is 404 before anybody is asked for a role.
      if (path === '/admin/shutdown') expect(status).toBe(404)
      else
        expect([method, path, role, refused ? 'refused' : 'let in']).toEqual([
          method,
          path,
          role,
          table[role]!.includes(access) ? 'let in' : 'refused',
        ])
      cells += 1
    }
  }
  expect(cells).toBeGreaterThan(180)
})

test('nobody is let in without a key, with a wrong one, or on an unknown path: always 401, always the same body', async () => {
  const bodies = new Set<string>()
  await using fresh = await bootAdmin({ admin: { lockout: { failures: 1_000 } } })
  const paths = [
    ...operations().filter(({ access }) => access !== 'public'),
    { path: '/admin/unknown', method: 'get' },
    { path: '/monitoring/x', method: 'post' },
  ]
  for (const { path, method } of paths) {
    for (const key of [
      null,
      'wrong-key-that-is-long-enough-000',
      'ark_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    ]) {
      const response = await fresh.send(filled(path), { method: method.toUpperCase(), key })
      expect([method, path, response.status]).toEqual([method, path, 401])
      const { instance, ...body } = (await response.json()) as Record<string, string>
      expect(instance).toStartWith('urn:request:')
      bodies.add(JSON.stringify(body))
    }
  }
  expect(bodies.size).toBe(1)
})

test('a key with scopes is let into those groups alone', async () => {
  const key = await at.keyOf('operator', { scopes: ['plugins', 'jobs'] })
  expect((await at.send('/admin/plugins', { key })).status).toBe(200)
  expect((await at.send('/admin/jobs', { key })).status).toBe(200)
  expect(await at.codeOf('/admin/status', { key })).toEqual([403, 'ADMIN_FORBIDDEN'])
})

test('every answer is one that the document names, with a body by its schema', async () => {
  for (const { path, method } of operations()) {
    if (isStream(path)) continue
    for (const key of [keys.admin!, null]) await call(path, method, key)
  }
  expect([...at.violations]).toEqual([])
  const reads = operations().filter(
    ({ path, method, operation }) =>
      method === 'get' && !path.includes('{') && !isStream(path) && operation['x-plugin'] === undefined,
  )
  for (const { path } of reads) expect([path, contract.seen.has(`GET ${path} 200`)]).toEqual([path, true])
})

test('an answer that differs from its schema is found', () => {
  const answer = { method: 'GET', path: '/admin/plugins', status: 200, type: 'application/json' }
  const problem = (body: unknown, more = {}) => contract.problemOf({ ...answer, text: JSON.stringify(body), ...more })
  expect(problem({ plugins: [] })).toBeUndefined()
  expect(problem({ plugins: {} })).toContain('must be array')
  expect(problem({ plugins: [], more: 1 })).toContain('more')
  expect(problem({})).toContain('required')
  expect(problem({ plugins: [] }, { type: 'text/html' })).toContain('does not name text/html')
  expect(problem({ plugins: [] }, { status: 418 })).toContain('does not name this status')
  expect(problem({ title: 'x' }, { status: 404, type: 'application/problem+json' })).toContain('required')
  expect(contract.problemOf({ ...answer, method: 'DELETE', path: '/admin/session', status: 204, text: 'x' })).toContain(
    'names no body',
  )
})

test('a method that a path does not have is 405 with Allow, after who asks was found out', async () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const declared = Object.keys(methods).map((method) => method.toUpperCase())
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((each) => !declared.includes(each))) {
      const response = await at.send(filled(path), { method })
      const body = (await response.json()) as Record<string, unknown>
      // Another path with a parameter may take it: /admin/jobs/{id} takes /admin/jobs/statistics.
      if (contract.find(method, filled(path)) !== undefined) continue
      expect([path, method, response.status, body.code]).toEqual([path, method, 405, 'HTTP_405'])
      const allow = response.headers.get('allow')!.split(', ')
      for (const each of declared) expect(allow).toContain(each)
      const named = { method: 'GET', path: '/admin/status', status: 404, type: 'application/problem+json' }
      expect(contract.problemOf({ ...named, text: JSON.stringify(body) })).toBeUndefined()
      expect((await at.send(filled(path), { method, key: null })).status).toBe(401)
    }
  }
})

test('HEAD answers as GET and opens nothing that stays, for every operation', async () => {
  const gets = operations().filter(({ method }) => method === 'get')
  expect(gets.some(({ path }) => isStream(path))).toBe(true)
  for (const { path } of gets) {
    for (let time = 0; time < (isStream(path) ? 25 : 1); time += 1) {
      const head = await at.send(filled(path), { method: 'HEAD' })
      expect([path, await head.text(), head.headers.get('content-length')]).not.toEqual([path, '', '0'])
      const get = isStream(path) ? { status: 200 } : await call(path, 'get', adminKey)
      expect([path, head.status]).toEqual([path, get.status])
    }
  }
})
