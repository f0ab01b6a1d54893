import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { hasCsrf, maxPerKey, Sessions } from '../../../plugins/admin/guard/sessions.ts'
import { type AdminRuntime, adminKey, bootAdmin } from './support.ts'

// A thread is started, and the disk is waited for.
setDefaultTimeout(60_000)

let at: AdminRuntime
beforeAll(async () => {
  at = await bootAdmin({ admin: { lockout: { failures: 1_000 } } })
  await at.underContract()
})
afterAll(async () => {
  await at.stop()
  expect([...at.violations]).toEqual([])
})

describe('a browser session', () => {
  const login = async () => {
    const response = await at.send('/admin/session', { key: null, json: { key: adminKey } })
    const cookie = response.headers.get('set-cookie')!
    return { cookie, value: cookie.split(';')[0]!, csrf: ((await response.json()) as { csrf: string }).csrf }
  }

  test('is a cookie that scripts and other sites do not get', async () => {
    const { cookie } = await login()
    expect(cookie).toContain('HttpOnly')
    expect(cookie).toContain('SameSite=Strict')
    expect(cookie).not.toContain(adminKey)
  })

  test('reads without its token, and changes only with it', async () => {
    const { value, csrf } = await login()
    const asBrowser = { key: null, headers: { cookie: value } }
    expect(await at.get('/admin/session', asBrowser)).toMatchObject({ name: 'ADMIN_API_KEY', role: 'admin', csrf })
    const change = { method: 'PUT', json: { level: 'warn' } }
    expect(await at.codeOf('/admin/loggers/x', { ...asBrowser, ...change })).toEqual([403, 'ADMIN_CSRF'])
    expect(
      (await at.send('/admin/loggers/x', { key: null, ...change, headers: { cookie: value, 'x-csrf-token': csrf } }))
        .status,
    ).toBe(200)
    expect(
      (
        await at.send('/admin/session', {
          method: 'DELETE',
          key: null,
          headers: { cookie: value, 'x-csrf-token': csrf },
        })
      ).status,
    ).toBe(204)
    expect((await at.send('/admin/session', asBrowser)).status).toBe(401)
  })

  test('ends after idle time, after its whole time, with its key, and when there are too many', () => {
    let nowMs = 0
    const sessions = new Sessions(
      () => ({ idleMs: 100, absoluteMs: 250, max: 2 }),
      () => nowMs,
    )
    const principal = { name: 'a', keyId: 'k', role: 'viewer', scopes: [] } as const
    const { token } = sessions.open(principal)
    nowMs = 99
    expect(sessions.use(token)).toBeDefined()
    nowMs = 198
    expect(sessions.use(token)).toBeDefined()
    nowMs = 249
    expect(sessions.use(token)).toBeDefined()
    nowMs = 250
    expect(sessions.use(token)).toBeUndefined()
    const tokens = [1, 2, 3].map(() => sessions.open(principal).token)
    expect(sessions.size).toBe(2)
    expect(tokens.map((each) => sessions.use(each) !== undefined)).toEqual([false, true, true])
    nowMs += 100
    expect(sessions.use(tokens[1]!)).toBeUndefined()
    const last = sessions.open(principal)
    sessions.closeOf('k')
    expect(sessions.use(last.token)).toBeUndefined()
    expect(hasCsrf({ csrf: 'abc' }, 'abd')).toBe(false)
    expect(hasCsrf({ csrf: 'abc' }, 'ab')).toBe(false)
    expect(hasCsrf({ csrf: 'abc' }, undefined)).toBe(false)
  })
})

test('a key that logs in again and again ends its own sessions, and is held to its rate', async () => {
  const sessions = new Sessions(
    () => ({ idleMs: 100, absoluteMs: 250, max: 100 }),
    () => 0,
  )
  const other = sessions.open({ name: 'b', keyId: 'other', role: 'admin', scopes: [] })
  const principal = { name: 'a', keyId: 'k', role: 'viewer', scopes: [] } as const
  const tokens = Array.from({ length: 300 }, () => sessions.open(principal).token)
  expect(sessions.size).toBe(maxPerKey + 1)
  expect(sessions.has(other.token)).toBe(true)
  expect([tokens.at(-maxPerKey - 1)!, tokens.at(-maxPerKey)!].map((each) => sessions.has(each))).toEqual([false, true])
  await using fresh = await bootAdmin({ admin: { rateLimit: { requests: 2, window: '1h' } } })
  const login = () => fresh.codeOf('/admin/session', { key: null, json: { key: adminKey } })
  expect([(await login())[0], (await login())[0], await login()]).toEqual([200, 200, [429, 'ADMIN_RATE_LIMITED']])
})

describe('a change of the configuration', () => {
  test('keeps lock-outs and sessions, and sets the limits of sessions for those that are open', async () => {
    await using own = await bootAdmin({ admin: { lockout: { failures: 1, window: '1h' } } })
    const login = async () => {
      const response = await own.send('/admin/session', { key: null, json: { key: adminKey } })
      return { key: null, headers: { cookie: response.headers.get('set-cookie')!.split(';')[0]! } }
    }
    const first = await login()
    for (let attempt = 0; attempt < 3; attempt += 1) await own.send('/admin/status', { key: 'wrong' })
    expect(await own.codeOf('/admin/status', { key: 'wrong' })).toEqual([429, 'ADMIN_LOCKED_OUT'])
    // admin holds the service of health, and is replaced with it.
    expect((await own.send('/admin/plugins/health/restart', { method: 'POST' })).status).toBe(200)
    expect(await own.codeOf('/admin/status', { key: 'wrong' })).toEqual([429, 'ADMIN_LOCKED_OUT'])
    const { headers } = await own.send('/admin/config')
    const patched = await own.send('/admin/config', {
      method: 'PATCH',
      json: { plugins: { admin: { session: { max: 1 } } } },
      headers: { 'if-match': headers.get('etag')! },
    })
    expect(patched.status).toBe(200)
    expect((await own.send('/admin/status', first)).status).toBe(200)
    const second = await login()
    // It is over, and the address that shows it is still locked out.
    expect((await own.send('/admin/status', first)).status).toBe(429)
    expect((await own.send('/admin/status', second)).status).toBe(200)
  })
})
