/** What somebody hostile may send. Over 250 lines because all of it shares one runtime, which takes its time to boot. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Principal } from '../../../plugins/admin/api.ts'
import { AttemptCounts, maxAddresses } from '../../../plugins/admin/guard/attempt-counts.ts'
import { BodyReader, bodyDeadlineMs, maxBodies } from '../../../plugins/admin/http/body.ts'
import { makeKey } from '../../../plugins/admin/keys/key.ts'
import { Keyring } from '../../../plugins/admin/keys/keyring.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { type AdminRuntime, adminKey, bootAdmin } from './support.ts'

// Connections are held open until the server ends them.
setDefaultTimeout(120_000)

let at: AdminRuntime
beforeAll(async () => {
  at = await bootAdmin({
    admin: { lockout: { failures: 1_000 } },
    config: { plugins: { logging: { console: { enabled: false }, access: { file: 'access.log' } } } },
  })
  await at.underContract()
})
afterAll(async () => {
  await at.stop()
  expect([...at.violations]).toEqual([])
})

interface Spoken {
  /** The status lines of the answers. */
  readonly statuses: readonly string[]
  readonly text: string
  readonly closedAfterMs: number
}

/** Speaks to the listener byte by byte. @param drip sent each second until the server closes */
function speak(text: string, drip = '', url = at.url): Promise<Spoken> {
  const { hostname, port } = new URL(url)
  const startedMs = performance.now()
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    const timer = setInterval(() => drip !== '' && socket.write(drip), 1_000)
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(timer)
      const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status!)
      resolve({ statuses, text: answer, closedAfterMs: performance.now() - startedMs })
    })
  })
}
const head = (path: string, headers: string, method = 'POST') =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`
const keyHeader = `X-Admin-Key: ${adminKey}\r\n`
const json = 'Content-Type: application/json\r\n'

describe('slow and large requests', () => {
  test('a connection that sends its headers or its body drop by drop is ended within a bound, with a key or without', async () => {
    const boundMs = 20_000
    const [headers, line, body, login, nobody] = await Promise.all([
      speak('GET /admin/status HTTP/1.1\r\nHost: localhost\r\n', 'X-a: b\r\n'),
      speak('GET /admin/st', 'a'),
      speak(head('/admin/config/plan', `${keyHeader}${json}Content-Length: 1000\r\n`), 'a'),
      speak(head('/admin/session', `${json}Content-Length: 1000\r\n`), 'a'),
      speak(head('/admin/config/plan', `${json}Content-Length: 1000\r\n`), 'a'),
    ])
    for (const each of [headers, line, body, login, nobody]) expect(each.closedAfterMs).toBeLessThan(boundMs)
    expect(body.statuses).toEqual(['408'])
    expect(body.text).toContain('ADMIN_BODY_SLOW')
    expect(login.statuses).toEqual(['408'])
    // Who has no key is not even waited for.
    expect(nobody.statuses).toEqual(['401'])
    expect(nobody.closedAfterMs).toBeLessThan(5_000)
    expect((await at.send('/admin/status')).status).toBe(200)
  })

  test('no more than so many bodies are waited for at one time; one key, and one address without a key, has at most half of them', async () => {
    const clock = testClock()
    const reader = new BodyReader(clock)
    const never = { header: () => undefined, text: () => new Promise<string>(() => {}) } as never
    const codeOf = (read: Promise<unknown>) => read.then(() => 'ok').catch((error: { code: string }) => error.code)
    const ready = { header: () => undefined, text: async () => '' } as never
    const kinds: Record<keyof typeof maxBodies, (who: string) => [Principal | undefined, string]> = {
      unknown: (who) => [undefined, `address ${who}`],
      known: (who) => [{ keyId: who, name: who, role: 'viewer', scopes: [] }, '10.0.0.1'],
    }
    for (const kind of ['unknown', 'known'] as const) {
      const read = (who: string, request = ready) => reader.read(request, ...kinds[kind](who))
      const half = maxBodies[kind] / 2
      const flood = (who: string) => Array.from({ length: half }, () => codeOf(read(who, never)))
      const waiting = flood('a')
      await expect(read('a')).rejects.toMatchObject({
        code: 'ADMIN_BODY_BUSY',
        message: `as many bodies of ${kind === 'known' ? 'the key' : 'address'} a are being received as allowed: ${half}`,
      })
      expect(await codeOf(read('b'))).toBe('ok')
      waiting.push(...flood('b'))
      expect(await codeOf(read('c'))).toBe('ADMIN_BODY_BUSY')
      await clock.advance(bodyDeadlineMs)
      expect(await Promise.all(waiting)).toEqual(Array(2 * half).fill('ADMIN_BODY_SLOW'))
      expect(await codeOf(read('a'))).toBe('ok')
    }
    expect(reader.refused).toBe(2 * 2 + maxBodies.unknown + maxBodies.known)
  })

  test('a body without a length is cut off at the limit, as one with a length is', async () => {
    const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`
    const chunked = await speak(
      head('/admin/config/plan', `${keyHeader}${json}Transfer-Encoding: chunked\r\n`) + chunk.repeat(80),
    )
    expect(chunked.statuses).toEqual(['413'])
    const below = 'x'.repeat(300_000)
    expect(await at.codeOf('/admin/config/plan', { json: { patch: { a: below } } })).toEqual([413, 'ADMIN_BODY_LARGE'])
  })

  test('headers and addresses that are too long are refused', async () => {
    const long = 'a'.repeat(100_000)
    expect((await speak(head('/admin/status', `${keyHeader}X-Long: ${long}\r\n`, 'GET'))).statuses).toEqual(['431'])
    expect((await at.send(`/admin/logs/recent?contains=${'a'.repeat(9_000)}`)).status).toBe(414)
    expect((await at.send('/admin/status', { key: 'k'.repeat(8_000) })).status).toBe(401)
  })

  test('a request within a request is not smuggled', async () => {
    const inner = head('/admin/plugins/metrics/restart', keyHeader)
    const both = `${json}Content-Length: ${inner.length}\r\nTransfer-Encoding: chunked\r\n`
    const { statuses } = await speak(head('/admin/config/plan', both) + inner)
    expect(statuses.filter((status) => status === '200')).toEqual([])
  })
})

describe('injection', () => {
  test('of headers: what a request holds does not become a header of the answer', async () => {
    for (const id of ['a%0d%0aset-cookie: x=1', 'a b', 'x'.repeat(200), '<script>']) {
      const { headers } = await at.send('/admin/status', { headers: { 'x-request-id': id } })
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
    const { text } = await speak(
      head('/admin/status%0d%0aX-Injected:%20yes', `${keyHeader}Connection: close\r\n`, 'GET'),
    )
    expect(text).not.toMatch(/^X-Injected/im)
    const odd = await speak(`GET /admin/status HTTP/1.1\r\nHost: localhost\r\nX-A: b\rX-Admin-Key: ${adminKey}\r\n\r\n`)
    expect(odd.statuses[0]).not.toBe('200')
  })

  test('of log lines: a line break makes no line, in logs and on record', async () => {
    const forged = '{"level":"fatal","message":"FORGED"}'
    await at.send(`/admin/plugins/${encodeURIComponent(`x\n${forged}\r\n`)}`)
    await at.send('/admin/restart/service', { json: { service: `x\n${forged}` } })
    await at.send('/admin/status', { headers: { 'user-agent': `x ${forged}` } })
    const { logs } = (await at.get('/admin/logs/recent?limit=1000')) as never as { logs: { message: string }[] }
    expect(logs.map(({ message }) => message)).not.toContain('FORGED')
    for (const name of ['audit/export', 'logs/recent']) {
      const text = await (await at.send(`/admin/${name}`)).text()
      for (const line of text.trimEnd().split('\n')) expect(JSON.parse(line)).not.toHaveProperty('message', 'FORGED')
    }
  })

  test('of prototypes: by query, by parameter and by body', async () => {
    for (const path of [
      '/admin/logs/recent?__proto__[polluted]=1',
      '/admin/plugins/__proto__',
      '/admin/jobs/constructor',
    ])
      expect([200, 404, 422]).toContain((await at.send(path)).status)
    for (const patch of ['{"patch":{"__proto__":{"polluted":1}}}', '{"__proto__":{"patch":{}}}'])
      expect(
        await at.codeOf('/admin/config/plan', {
          method: 'POST',
          body: patch,
          headers: { 'content-type': 'application/json' },
        }),
      ).toEqual([400, 'ADMIN_BODY'])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})

describe('pages of elsewhere', () => {
  const login = async () => {
    const response = await at.send('/admin/session', { key: null, json: { key: adminKey } })
    return {
      cookie: response.headers.get('set-cookie')!.split(';')[0]!,
      csrf: ((await response.json()) as { csrf: string }).csrf,
    }
  }

  test('cannot make a browser change anything: not by a form, not by another origin, not without the token', async () => {
    const { cookie, csrf } = await login()
    const form = { cookie, origin: 'https://evil.example', 'content-type': 'text/plain' }
    expect(await at.codeOf('/admin/reload', { method: 'POST', key: null, headers: form })).toEqual([
      403,
      'ADMIN_ORIGIN_REFUSED',
    ])
    for (const token of [undefined, '', 'x', csrf.slice(1), `${csrf}x`]) {
      const headers = { cookie, ...(token !== undefined && { 'x-csrf-token': token }) }
      expect(await at.codeOf('/admin/reload', { method: 'POST', key: null, headers })).toEqual([403, 'ADMIN_CSRF'])
    }
    const other = await login()
    expect(
      await at.codeOf('/admin/reload', { method: 'POST', key: null, headers: { cookie, 'x-csrf-token': other.csrf } }),
    ).toEqual([403, 'ADMIN_CSRF'])
  })

  test('cannot read answers either: no header opens the API to another origin', async () => {
    const { headers, status } = await at.send('/admin/status', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    expect(status).toBe(403)
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test('cannot give a browser a session of their choice, and an old one ends with the next login', async () => {
    const chosen = 'arkwatch_session=chosen-by-somebody-else'
    const response = await at.send('/admin/session', {
      key: null,
      json: { key: adminKey },
      headers: { cookie: chosen },
    })
    expect(response.status).toBe(200)
    const first = response.headers.get('set-cookie')!.split(';')[0]!
    expect(first).not.toBe(chosen)
    expect((await at.send('/admin/session', { key: null, headers: { cookie: chosen } })).status).toBe(401)
    await at.send('/admin/session', { key: null, json: { key: adminKey }, headers: { cookie: first } })
    expect((await at.send('/admin/session', { key: null, headers: { cookie: first } })).status).toBe(401)
  })
})

describe('what the API may make the server do', () => {
  const plan = (patch: unknown, key?: string) =>
    at.codeOf('/admin/config/plan', { json: { patch }, ...(key !== undefined && { key }) })

  test.each<[string, unknown]>([
    ['run a command', { admin: { services: { x: { command: ['sh', '-c', 'id'] } } } }],
    ['load code', { lamp: { from: './evil.ts' } }],
    ['open a closed group', { admin: { endpoints: { heapdump: 'unrestricted' } } }],
    ['lift the cap of access', { admin: { maxAccess: 'unrestricted' } }],
    ['take another key', { admin: { apiKey: 'Kx7-another-horse-battery-staple-9' } }],
    ['answer to another host', { admin: { allowedHosts: ['evil.example'] } }],
    ['let another origin in', { admin: { allowedOrigins: ['https://evil.example'] } }],
    ['forget failures', { admin: { lockout: { failures: 1_000 } } }],
    ['keep no record', { audit: { enabled: false } }],
    ['forget records', { audit: { retention: '1d' } }],
    ['begin another store', { store: { file: 'other.db' } }],
    ['write to a file of its choice', { logging: { file: { path: '/etc/cron.d/evil' } } }],
    ['read a file', { metrics: { path: '${file:/etc/passwd}' } }],
    ['read the environment', { metrics: { path: '/x${env:HOME}' } }],
    ['ask a metadata service', { health: { checks: { x: { kind: 'http', url: 'http://169.254.169.254/' } } } }],
    ['ask it by another spelling', { health: { checks: { x: { kind: 'http', url: 'http://2852039166/' } } } }],
    ['ask it as a database', { pool: { pools: { x: { url: 'postgres://u@[fe80::1]/x' } } } }],
  ])('not: %s', async (_, plugins) => expect(await plan({ plugins })).toEqual([403, 'ADMIN_CONFIG_PROTECTED']))

  test('what is set on the machine is not taken away either, by its name or by that of all', async () => {
    const { runtime } = at
    await runtime.changes.apply({ plugins: { admin: { maxAccess: 'unrestricted' } } }, { by: 'the machine' })
    for (const patch of [{ plugins: null }, { plugins: { admin: null } }, { plugins: { admin: { maxAccess: null } } }])
      expect(await plan(patch)).toEqual([403, 'ADMIN_CONFIG_PROTECTED'])
    expect(await plan({ plugins: { metrics: { path: '/m' } } })).toEqual([200, undefined])
    await runtime.changes.apply({ plugins: { admin: { maxAccess: null } } }, { by: 'the machine' })
  })

  test('each way of changing the configuration is guarded, and tells the place', async () => {
    const patch = { plugins: { audit: { enabled: false } } }
    const etag = (await at.send('/admin/config')).headers.get('etag')!
    const patched = await at.send('/admin/config', { method: 'PATCH', json: patch, headers: { 'if-match': etag } })
    expect(patched.status).toBe(403)
    expect(((await patched.json()) as { errors: unknown[] }).errors).toEqual([
      { pointer: '/plugins/audit', detail: 'it is set on the machine alone' },
    ])
    expect(await at.codeOf('/admin/config/apply', { json: { patch } })).toEqual([403, 'ADMIN_CONFIG_PROTECTED'])
  })

  test('nobody below admin changes the configuration or keys', async () => {
    for (const role of ['viewer', 'operator', 'auditor'] as const) {
      const key = await at.keyOf(role)
      const change = { json: { patch: { plugins: { metrics: { path: '/m' } } } }, key }
      expect(await at.codeOf('/admin/config/apply', change)).toEqual([403, 'ADMIN_FORBIDDEN'])
      expect(await at.codeOf('/admin/keys', { json: { name: 'x', role: 'admin' }, key })).toEqual([
        403,
        'ADMIN_FORBIDDEN',
      ])
    }
  })
})

describe('wrong keys', () => {
  const [made, other] = [makeKey(), makeKey()]
  const known = `ark_${made.id}_${other.text.split('_').slice(2).join('_')}`

  test('of every kind get the same answer: the same body, the same headers', async () => {
    const revoked = await at.get('/admin/keys', { json: { name: 'gone', role: 'admin' } })
    await at.send(`/admin/keys/${revoked.id}`, { method: 'DELETE' })
    const live = await at.get('/admin/keys', { json: { name: 'live', role: 'admin' } })
    const knownId = `ark_${live.id}_${other.text.slice(-43)}`
    const answers = new Set<string>()
    for (const key of [
      null,
      'x',
      made.text,
      knownId,
      String(revoked.key),
      `${live.key}x`,
      String(live.key).slice(0, -1),
    ]) {
      const response = await at.send('/admin/status', { key })
      const { instance: _, ...body } = (await response.json()) as Record<string, string>
      const headers = [...response.headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
      answers.add(JSON.stringify([response.status, body, headers]))
    }
    expect(answers.size).toBe(1)
  })

  /** The chance that a draw of `a` is larger than one of `b`: one half where nothing tells them apart (Mann-Whitney). */
  function superiority(a: readonly number[], b: readonly number[]): number {
    const sorted = b.toSorted((x, y) => x - y)
    const below = (value: number, orEqual: boolean) => {
      let [low, high] = [0, sorted.length]
      while (low < high) {
        const middle = (low + high) >> 1
        if (sorted[middle]! < value || (orEqual && sorted[middle] === value)) low = middle + 1
        else high = middle
      }
      return low
    }
    const sum = a.reduce((total, value) => total + (below(value, false) + below(value, true)) / 2, 0)
    return sum / (a.length * b.length)
  }
  /** Times two texts in turns. */
  function compare(verify: (text: string) => unknown, first: string, second: string): number {
    const times: [number[], number[]] = [[], []]
    for (let round = 0; round < 3_000; round += 1) {
      for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const startedNs = Bun.nanoseconds()
        for (let repeat = 0; repeat < 10; repeat += 1) verify(which === 0 ? first : second)
        times[which].push(Bun.nanoseconds() - startedNs)
      }
    }
    return superiority(times[0], times[1])
  }

  test('take the same time whether their id is known, unknown or no id, where a leaky check would be seen', () => {
    const table = { load: async () => [], put: async () => {}, remove: async () => {} }
    const keyring = new Keyring({ table, pepper: 'p', groups: async () => [], now: () => 0 })
    keyring.adopt(made.text, { name: 'a', role: 'admin', source: 'config' })
    const verify = (text: string) => keyring.verify(text)
    const malformed = 'x'.repeat(known.length)
    for (const text of [other.text, malformed, `${made.text.slice(0, -1)}!`]) {
      const seen = compare(verify, known, text)
      expect([text === malformed, seen > 0.25 && seen < 0.75 ? 'alike' : seen]).toEqual([text === malformed, 'alike'])
    }
    // The same measure finds a check that hashes only what has a known id.
    const leaky = (text: string) => text.split('_')[1] === made.id && keyring.verify(text)
    expect(compare(leaky, known, other.text)).toBeGreaterThan(0.95)
  })

  test('in a flood are locked out, leave a bounded record that counts them, and touch no valid key', async () => {
    await using fresh = await bootAdmin({ admin: { lockout: { failures: 5, window: '10s' } } })
    const statuses: Record<number, number> = {}
    for (let turn = 0; turn < 200; turn += 1) {
      const { status } = await fresh.send('/admin/status', { key: `wrong-${turn}` })
      statuses[status] = (statuses[status] ?? 0) + 1
      if (turn % 20 === 0) expect((await fresh.send('/admin/status')).status).toBe(200)
    }
    expect(statuses).toEqual({ 401: 5, 429: 195 })
    await fresh.send('/admin/plugins/admin/restart', { method: 'POST' })
    const { records } = (await fresh.get('/admin/audit?action=auth.failed&limit=1000')) as never as {
      records: { outcome: string; target?: string }[]
    }
    expect(records.map(({ outcome, target }) => [outcome, target])).toEqual([
      ['locked-out', '194 more attempts'],
      ['locked-out', undefined],
      ...Array(5).fill(['denied', undefined]),
    ])
    const metrics = await (await fresh.send('/metrics', { key: null })).text()
    expect(metrics).toMatch(/^arkwatch_admin_auth_failures_total \d+/m)
  })

  test('are counted for so many addresses, the rest together', () => {
    const counts = new AttemptCounts()
    for (let index = 0; index < maxAddresses + 20; index += 1) counts.add(`2001:db8::${index}`)
    const taken = counts.take()
    expect(taken).toHaveLength(maxAddresses + 1)
    expect(taken.at(-1)).toEqual(['other addresses', 20])
    expect(counts.take()).toEqual([])
  })

  test('in the URL are in no file of ours', async () => {
    await at.send(`/admin/status?key=${adminKey}`, { key: null })
    await at.send(`/admin/logs/recent?contains=${adminKey}`)
    await at.send('/admin/status', { headers: { 'user-agent': 'after', referer: `http://x/?key=${adminKey}` } })
    for (const name of ['access.log', 'store.db', 'store.db-wal'])
      expect([name, readFileSync(join(at.runtime.dataDir, name)).includes(adminKey)]).toEqual([name, false])
  })
})

test('an Idempotency-Key of one key replays nothing to another', async () => {
  const [one, other] = [await at.keyOf('admin'), await at.keyOf('admin')]
  const request = { json: { name: 'shared', role: 'viewer' }, headers: { 'idempotency-key': 'same' } }
  const first = await at.get('/admin/keys', { ...request, key: one })
  const second = await at.send('/admin/keys', { ...request, key: other })
  expect(second.headers.get('idempotency-replayed')).toBeNull()
  expect(((await second.json()) as { id: string }).id).not.toBe(first.id)
  const revoked = await at.get('/admin/keys')
  const { id } = (revoked.keys as never as { id: string }[]).find((each) => one.includes(each.id))!
  await at.send(`/admin/keys/${id}`, { method: 'DELETE' })
  expect((await at.send('/admin/keys', { ...request, key: one })).status).toBe(401)
})

test('an event stream ends soon after its key is revoked', async () => {
  const made = await at.get('/admin/keys', { json: { name: 'watcher', role: 'viewer' } })
  const response = await at.send('/admin/stream?topics=status', { key: String(made.key) })
  const reader = response.body!.getReader()
  await reader.read()
  await at.send(`/admin/keys/${made.id}`, { method: 'DELETE' })
  let ended = false
  while (!ended) ended = (await reader.read()).done
  expect(ended).toBe(true)
})
