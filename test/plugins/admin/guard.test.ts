import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { allowsHost, allowsOrigin } from '../../../plugins/admin/guard/hosts.ts'
import { addressPrefix, Limits } from '../../../plugins/admin/guard/limits.ts'
import { levelOf } from '../../../plugins/admin/guard/roles.ts'
import { checkJson } from '../../../plugins/admin/http/body.ts'
import { publicListenerProblem } from '../../../plugins/admin/http/public-listener.ts'
import admin from '../../../plugins/admin/index.ts'
import { weaknessOf } from '../../../plugins/admin/keys/key.ts'
import audit from '../../../plugins/audit/index.ts'
import store from '../../../plugins/store/index.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'
import { type AdminRuntime, adminKey, bootAdmin } from './support.ts'

// A thread is started, and the disk is waited for.
setDefaultTimeout(60_000)
pluginContract(admin, {
  providers: [store, audit],
  config: { apiKey: adminKey, listen: { port: 0 } },
})

let at: AdminRuntime
beforeAll(async () => {
  at = await bootAdmin({ admin: { lockout: { failures: 1_000 } } })
  await at.underContract()
})
afterAll(async () => {
  await at.stop()
  expect([...at.violations]).toEqual([])
})

const thrown = (call: () => unknown) => {
  try {
    call()
    return 'ok'
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** Sends a request with headers that fetch does not let one set. */
const rawRequest = (path: string, headers: Record<string, string>) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const { hostname, port } = new URL(at.url)
    const sent = httpRequest({ hostname, port, path, headers: { 'x-admin-key': adminKey, ...headers } }, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })

describe('a key', () => {
  test('is taken from either header, and from both only when they agree', async () => {
    const auth = { authorization: `Bearer ${adminKey}` }
    expect((await at.send('/admin/status', { key: null, headers: auth })).status).toBe(200)
    expect((await at.send('/admin/status', { headers: auth })).status).toBe(200)
    expect((await at.send('/admin/status', { key: 'wrong', headers: auth })).status).toBe(401)
    expect((await at.send('/admin/status', { headers: { authorization: 'Basic abc' } })).status).toBe(401)
  })

  test('in the URL is no key, and reaches no log', async () => {
    for (const name of ['admin_key', 'key', 'api_key', 'token', 'access_token'])
      expect(await at.codeOf(`/admin/status?${name}=${adminKey}`, { key: null })).toEqual([401, 'ADMIN_UNAUTHORIZED'])
    expect(JSON.stringify(await at.get('/admin/logs/recent?limit=1000'))).not.toContain(adminKey)
    expect(JSON.stringify(await at.get('/admin/audit?limit=1000'))).not.toContain(adminKey)
  })

  test('is made, shown once, used, rotated with two valid, and revoked at once', async () => {
    const made = await at.get('/admin/keys', { json: { name: 'grafana', role: 'viewer', expires_in_days: 1 } })
    expect(made).toMatchObject({ name: 'grafana', role: 'viewer', source: 'store' })
    const key = String(made.key)
    expect((await at.send('/admin/status', { key })).status).toBe(200)
    const listed = JSON.stringify(await at.get('/admin/keys'))
    expect(listed).toContain('grafana')
    expect(listed).not.toContain(key)
    expect(readFileSync(join(at.runtime.dataDir, 'store.db')).includes(key)).toBe(false)
    const next = await at.get(`/admin/keys/${made.id}/rotate`, { json: { grace_hours: 1 } })
    expect((await at.send('/admin/status', { key })).status).toBe(200)
    expect((await at.send('/admin/status', { key: String(next.key) })).status).toBe(200)
    expect(await at.codeOf('/admin/keys', { json: { name: 'grafana', role: 'viewer' } })).toEqual([
      409,
      'ADMIN_KEY_LIMIT',
    ])
    expect((await at.send(`/admin/keys/${made.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await at.send('/admin/status', { key })).status).toBe(401)
    expect(await at.codeOf(`/admin/keys/${made.id}`, { method: 'DELETE' })).toEqual([404, 'ADMIN_NOT_FOUND'])
  })

  test('is narrowed to groups that there are: a slip is told, with the groups', async () => {
    const refused = await at.send('/admin/keys', { json: { name: 'slip', role: 'viewer', scopes: ['plugin'] } })
    expect(refused.status).toBe(422)
    const { errors } = (await refused.json()) as { errors: { pointer: string; detail: string }[] }
    expect(errors[0]).toMatchObject({ pointer: '/scopes' })
    expect(errors[0]!.detail).toMatch(/"plugin"; there are .*plugins/)
    const made = await at.get('/admin/keys', { json: { name: 'narrow', role: 'viewer', scopes: ['plugins'] } })
    const key = String(made.key)
    expect((await at.send('/admin/plugins', { key })).status).toBe(200)
    expect(await at.codeOf('/admin/jobs', { key })).toEqual([403, 'ADMIN_FORBIDDEN'])
  })

  test('that nobody gave is made on the first start, for the owner alone, and its text is logged nowhere', async () => {
    await using first = await bootAdmin({ admin: { apiKey: undefined } })
    const file = join(first.runtime.dataDir, 'admin.key')
    const key = readFileSync(file, 'utf8').trim()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect((await first.send('/admin/status', { key })).status).toBe(200)
    const logs = JSON.stringify(await first.get('/admin/logs/recent?limit=1000', { key }))
    expect(logs).toContain('a key for the admin API was made')
    expect(logs).not.toContain(key)
  })

  test.each<[string, boolean]>([
    [adminKey, true],
    ['short', false],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', false],
    ['your-secure-admin-key-goes-here', false],
    ['change-me-please-1234567890abc', false],
    ['with spaces in it 123456789 abc', false],
    ['abababababababababababababab', false],
    ['3f9c1e7a5b2d8f604c1e9a7b3d5f8e2c', true],
  ])('%s is strong: %p', (text, strong) => expect(weaknessOf(text) === undefined).toBe(strong))
})

describe('what a refusal says to do', () => {
  const problem = async (path: string, init: object) =>
    (await (await at.send(path, init)).json()) as { code: string; help: string; detail: string }

  test('names the header that a body without a type lacks, and what an empty body should be', async () => {
    const typeless = { method: 'POST', body: 'name=x', headers: { 'content-type': 'text/plain' } }
    expect((await problem('/admin/keys', typeless)).help).toContain('content-type: application/json')
    const empty = { method: 'POST', headers: { 'content-type': 'application/json' } }
    expect((await problem('/admin/keys', empty)).help).toContain('`{}`')
  })

  test('names the list of what is not there', async () => {
    expect((await problem('/admin/plugins/nobody', {})).help).toContain('GET /admin/plugins ')
    expect((await problem('/admin/jobs/nothing', {})).help).toContain('GET /admin/jobs ')
    expect((await problem('/admin/keys/nothing', { method: 'DELETE' })).help).toContain('GET /admin/keys ')
    expect((await problem('/admin/shutdown', { method: 'POST' })).help).toContain('plugins.admin.endpoints.shutdown')
  })

  test('says of a change by pointer what is wrong, names no file of ours, and that nothing was changed', async () => {
    const wrong = await problem('/admin/config/plan', { json: { patch: { plugins: { metrics: { path: 7 } } } } })
    expect(wrong).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(wrong.help).toContain('Nothing was changed')
    expect(wrong.detail).toContain('/plugins/metrics/path')
    expect(JSON.stringify(wrong)).not.toContain('overlay.plan')
  })

  test('bounds the hours and limits of operations whose plugin is not there yet', async () => {
    for (const path of ['/admin/jobs/statistics?hours=-1', '/admin/alerts?history_limit=0'])
      expect(await at.codeOf(path)).toEqual([422, 'ADMIN_INVALID'])
  })
})

describe('where it may be', () => {
  test.each<[string, object, { host: string } | undefined, boolean]>([
    ['on a public listener on loopback', {}, { host: '127.0.0.1' }, true],
    ['on localhost', {}, { host: 'localhost' }, true],
    ['on a public listener for everybody', {}, { host: '0.0.0.0' }, false],
    ['embedded without a listener', {}, undefined, false],
    ['on a listener of its own', { listen: { host: '127.0.0.1', port: 1 } }, { host: '0.0.0.0' }, true],
    ['on a listener for everybody without TLS', { listen: { host: '0.0.0.0', port: 1 } }, undefined, false],
    [
      'on a listener for everybody with TLS',
      { listen: { host: '0.0.0.0', port: 1, tls: { cert: 'c', key: 'k' } } },
      undefined,
      true,
    ],
    ['on a Unix socket', { listen: { host: '0.0.0.0', port: 1, unix: 'x' } }, undefined, true],
  ])('%s', (_, config, server, allowed) => {
    expect(publicListenerProblem(config as never, server).length === 0).toBe(allowed)
  })

  test('a public listener that is not on loopback is refused as a configuration, exit 78', async () => {
    const error = await bootAdmin({ config: { server: { host: '0.0.0.0', port: 0 } } }).then(
      () => undefined,
      (each) => each,
    )
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.problems[0].message).toContain('not on loopback')
  })

  test.each<[string, boolean]>([
    ['localhost', true],
    ['localhost:8080', true],
    ['127.0.0.1:1', true],
    ['[::1]:8080', true],
    ['LOCALHOST', true],
    ['ops.example', true],
    ['ops.example:443', true],
    ['evil.example', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['localhost@evil.example', false],
    ['', false],
    ['local host', false],
  ])('the host %p is ours: %p', (host, ours) => {
    const rules = { allowedHosts: ['ops.example'], allowedOrigins: ['https://console.example'] }
    expect(allowsHost(host, rules)).toBe(ours)
    expect(allowsOrigin(`https://${host}`, rules)).toBe(ours)
  })

  test('origins that are allowed by name, none, and null', () => {
    const rules = { allowedHosts: [], allowedOrigins: ['https://console.example'] }
    expect(allowsOrigin('https://console.example', rules)).toBe(true)
    expect(allowsOrigin(undefined, rules)).toBe(true)
    expect(allowsOrigin('null', rules)).toBe(false)
    expect(allowsOrigin('file://', rules)).toBe(false)
  })

  test('a request for another host, or from a page of elsewhere, is refused although its key is right', async () => {
    const rebound = await rawRequest('/admin/status', { host: 'evil.example' })
    expect([rebound.status, JSON.parse(rebound.body).code]).toEqual([403, 'ADMIN_HOST_REFUSED'])
    expect(await at.codeOf('/admin/status', { headers: { origin: 'https://evil.example' } })).toEqual([
      403,
      'ADMIN_ORIGIN_REFUSED',
    ])
    expect((await at.send('/admin/status', { headers: { origin: at.url } })).status).toBe(200)
  })
})

describe('limits', () => {
  test('an address that fails too often is locked out, a valid key from it is not', async () => {
    await using fresh = await bootAdmin({ admin: { lockout: { failures: 3, window: '10s' } } })
    const wrong = () => fresh.send('/admin/status', { key: 'wrong' })
    for (let turn = 0; turn < 3; turn += 1) expect((await wrong()).status).toBe(401)
    const locked = await wrong()
    expect(locked.status).toBe(429)
    expect(((await locked.json()) as { code: string }).code).toBe('ADMIN_LOCKED_OUT')
    expect(Number(locked.headers.get('retry-after'))).toBe(10)
    expect((await fresh.send('/admin/alerts', { key: null })).status).toBe(429)
    expect((await fresh.send('/admin/status')).status).toBe(200)
    expect((await fresh.send('/admin/session', { key: null, json: { key: 'wrong' } })).status).toBe(429)
    expect((await fresh.send('/admin/session', { key: null, json: { key: adminKey } })).status).toBe(200)
  })

  test('each lock-out is twice as long as the one before, up to the longest', async () => {
    const limits = new Limits({
      requests: 1,
      windowMs: 1_000,
      failures: 1,
      failureWindowMs: 1_000,
      maxLockoutMs: 3_000,
    })
    const { setSystemTime } = await import('bun:test')
    const start = Date.UTC(2026, 0, 1)
    const seen: (number | undefined)[] = []
    let atMs = start
    for (let round = 0; round < 4; round += 1) {
      setSystemTime(new Date(atMs))
      await limits.failure('1.2.3.4')
      const locked = await limits.failure('1.2.3.4')
      expect(locked?.begins).toBe(true)
      expect((await limits.failure('1.2.3.4'))?.begins).toBe(false)
      seen.push(locked?.seconds)
      atMs += (locked?.seconds ?? 0) * 1_000 + 1_500
    }
    setSystemTime()
    expect(seen).toEqual([1, 2, 3, 3])
  })

  test('a key over its rate is 429 with the headers that say when', async () => {
    await using fresh = await bootAdmin({ admin: { rateLimit: { requests: 2, window: '1h' } } })
    const first = await fresh.send('/admin/status')
    expect([first.headers.get('ratelimit-limit'), first.headers.get('ratelimit-remaining')]).toEqual(['2', '1'])
    await fresh.send('/admin/status')
    const over = await fresh.send('/admin/status')
    expect(over.status).toBe(429)
    expect(((await over.json()) as { code: string }).code).toBe('ADMIN_RATE_LIMITED')
    expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(3_500)
  })

  test.each([
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
  ])('%s counts as %s', (address, prefix) => expect(addressPrefix(address)).toBe(prefix))

  test.each<
    [
      string,
      Record<string, 'none' | 'read-only' | 'unrestricted'>,
      'none' | 'read-only' | 'unrestricted' | undefined,
      string,
    ]
  >([
    ['plugins', {}, undefined, 'unrestricted'],
    ['plugins', { plugins: 'read-only' }, undefined, 'read-only'],
    ['plugins', { plugins: 'unrestricted' }, 'read-only', 'read-only'],
    ['shutdown', {}, undefined, 'none'],
    ['shutdown', { shutdown: 'unrestricted' }, undefined, 'unrestricted'],
    ['heapdump', {}, undefined, 'none'],
  ])('the access of %s with %p under %p is %s', (group, configured, cap, level) => {
    expect(levelOf(group, configured, cap)).toBe(level as never)
  })

  test('a group that is read-only is read, and not changed', async () => {
    await using fresh = await bootAdmin({ admin: { endpoints: { plugins: 'read-only', system: 'none' } } })
    expect((await fresh.send('/admin/plugins')).status).toBe(200)
    expect(await fresh.codeOf('/admin/plugins/metrics/restart', { method: 'POST' })).toEqual([404, 'ADMIN_NOT_FOUND'])
    expect((await fresh.send('/admin/system/info')).status).toBe(404)
  })
})

describe('hostile bodies', () => {
  const patch = (body: string, type = 'application/json') =>
    at.codeOf('/admin/config/plan', { method: 'POST', body, headers: { 'content-type': type } })

  test('that are no JSON, too deep, too many, or reach into prototypes are 400', async () => {
    expect(await patch('{')).toEqual([400, 'ADMIN_BODY'])
    expect(await patch(`{"patch":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toEqual([400, 'ADMIN_BODY'])
    expect(await patch(`{"patch":{"a":[${'1,'.repeat(60_000)}1]}}`)).toEqual([400, 'ADMIN_BODY'])
    expect(await patch('{"patch":{"__proto__":{"polluted":1}}}')).toEqual([400, 'ADMIN_BODY'])
    expect(await patch('{"patch":{"a":{"constructor":{"prototype":{"polluted":1}}}}}')).toEqual([400, 'ADMIN_BODY'])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  test('that are too large are 400 or 413, and of another type 415', async () => {
    expect([400, 413]).toContain((await patch(`{"patch":{"a":"${'x'.repeat(400_000)}"}}`))[0] as number)
    expect((await patch('patch=1', 'application/x-www-form-urlencoded'))[0]).toBe(415)
    expect((await at.send('/admin/config/plan', { method: 'POST', body: 'x'.repeat(3_000_000) })).status).toBe(413)
  })

  test('of more than 4 KiB are 413 without a key, and of many values 400 with one, without holding the loop up', async () => {
    const many = `{"key":[${'1,'.repeat(120_000)}1]}`
    const stranger = await at.send('/admin/session', {
      method: 'POST',
      key: null,
      body: many,
      headers: { 'content-type': 'application/json' },
    })
    expect(stranger.status).toBe(413)
    expect((await patch(many))[0]).toBe(400)
    const tookMs = Array.from({ length: 5 }, () => {
      const startedMs = performance.now()
      expect(thrown(() => checkJson(many))).toBe('ADMIN_BODY')
      return performance.now() - startedMs
    })
    expect(Math.min(...tookMs)).toBeLessThan(5)
  })

  test('what is wrong in them is told by JSON pointer', async () => {
    const response = await at.send('/admin/keys', { json: { name: 'x', role: 'king', scopes: [1], more: 1 } })
    const { code, errors } = (await response.json()) as { code: string; errors: { pointer: string }[] }
    expect([response.status, code]).toEqual([422, 'ADMIN_INVALID'])
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(['/more', '/role', '/scopes/0'])
  })

  test('a text that is deep only within a string is not deep', () => {
    expect(thrown(() => checkJson(`{"a":"${'['.repeat(1_000)}"}`))).toBe('ok')
  })

  test.each([
    '/admin/../admin/status',
    '/admin/%2e%2e/%2e%2e/etc/passwd',
    '/admin/jobs/..%2f..%2fetc%2fpasswd/file',
    '/admin//status',
    '/admin/plugins/%00',
    '/admin/plugins/%0d%0aset-cookie:x',
  ])('the path %s gives nothing away', async (path) => {
    const { status, body } = await rawRequest(path, {})
    expect([200, 404, 422]).toContain(status)
    expect(body).not.toContain('root:')
  })
})

test('answers of every kind carry the security headers and a request id', async () => {
  for (const [path, init] of [
    ['/admin/status', {}],
    ['/admin/status', { key: null }],
    ['/admin/nothing', {}],
    ['/admin/reference', {}],
    ['/admin/plugins/nobody', {}],
  ] as const) {
    const { headers } = await at.send(path, init)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  }
})
