import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Hono } from 'hono'
import { z } from 'zod'
import { shapeProblem } from '../../../../core/contract/foreign/shape.ts'
import { type Contributed, definePlugin, messageOf, yieldToLoop } from '../../../../core/plugin.ts'
import { type AdminPages, adminPages, adminRoutes } from '../../../../plugins/admin/api.ts'
import { compose, createApi } from '../../../../plugins/admin/http/compose.ts'
import { maxAssetBytes, maxAssets, pagesProblem } from '../../../../plugins/admin/http/plugin-pages.ts'
import { testClock } from '../../../../testing/test-clock.ts'
import { hostileValues } from '../../../support/hostile.ts'
import { type AdminRuntime, adminKey, bootAdmin } from '../support.ts'

// A thread is started, and the disk is waited for.
setDefaultTimeout(60_000)

const pagesOf = (name: string, ...pages: AdminPages[]) =>
  definePlugin({
    api: 1,
    name,
    version: '1.0.0',
    summary: 'Contributes pages.',
    config: z.strictObject({}),
    setup: () => ({ contributes: pages.map((each) => adminPages(each)) }),
  })

const directory = mkdtempSync(join(tmpdir(), 'arkwatch-pages-'))
mkdirSync(join(directory, 'dist/sub'), { recursive: true })
writeFileSync(join(directory, 'dist/index.html'), '<!doctype html>disk')
writeFileSync(join(directory, 'dist/sub/app.js'), 'export {}')
writeFileSync(join(directory, 'dist/.env'), 'canary')
writeFileSync(join(directory, 'outside.txt'), 'canary')
symlinkSync(join(directory, 'outside.txt'), join(directory, 'dist/link.txt'))
const root = pathToFileURL(`${directory}/dist/`)
/** Names as bundlers and authors make them. */
const oddNames = [
  ...[
    'my file.js',
    'café.svg',
    'a(1).png',
    '[slug]-x.js',
    '$id.js',
    '50%.png',
    'a,b.js',
    "it's.js",
    'a..b.js',
    '日本.css',
  ],
  ...['a%2fb.js', 'q?.js', '#h.js', 'a+b&c=d;e.js', '[...all].js', 'sub dir/__x.js', '👩‍🚀.svg', '%41.js'],
]
mkdirSync(join(directory, 'dist/sub dir'))
for (const name of oddNames) writeFileSync(join(directory, 'dist', name), name)

const odd = Object.keys(hostileValues).filter((name) => name !== 'a text')
const hostileAssets = Object.fromEntries(
  [() => undefined, ...odd.map((name) => hostileValues[name]!)].map((make, at) => [`odd-${at}`, make as () => never]),
)

const assets = {
  ...Object.fromEntries(oddNames.map((name) => [name, name])),
  'index.html': '<!doctype html>console',
  'app.js': 'export {}',
  'style.css': new TextEncoder().encode('body {}'),
  'now.json': () => Promise.resolve('{}'),
  'broken.html': () => {
    throw new Error('password=canary')
  },
  'large.txt': () => 'x'.repeat(maxAssetBytes + 1),
  ...hostileAssets,
}

let at: AdminRuntime
beforeAll(async () => {
  at = await bootAdmin({
    admin: { lockout: { failures: 1_000 } },
    plugins: [
      pagesOf('console', { path: '/admin/console', root: assets }),
      pagesOf(
        'disk',
        { path: '/admin/disk', root },
        { path: '/admin/secret', access: 'admin', root: { 'a.txt': 'a' }, index: 'a.txt' },
      ),
      pagesOf(
        'thief',
        { path: '/admin/jobs', root: assets },
        { path: '/admin/console', root: { 'index.html': 'next' } },
      ),
    ],
    config: { plugins: { console: {}, disk: {}, thief: {} } },
  })
})
afterAll(async () => {
  await at.stop()
  rmSync(directory, { recursive: true, force: true })
})

describe('pages', () => {
  test('have their content type, a policy, an entity tag, and are asked for each time', async () => {
    for (const [path, type, text] of [
      ['/admin/console/', 'text/html;charset=utf-8', '<!doctype html>console'],
      ['/admin/console/app.js', 'text/javascript;charset=utf-8', 'export {}'],
      ['/admin/console/style.css', 'text/css;charset=utf-8', 'body {}'],
      ['/admin/console/now.json', 'application/json;charset=utf-8', '{}'],
      ['/admin/disk/', 'text/html;charset=utf-8', '<!doctype html>disk'],
      ['/admin/disk/sub/app.js', 'text/javascript;charset=utf-8', 'export {}'],
    ] as const) {
      const response = await at.send(path)
      expect([path, response.status, response.headers.get('content-type')]).toEqual([path, 200, type])
      expect(response.headers.get('cache-control')).toBe('private, no-cache')
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(await response.text()).toBe(text)
      const etag = response.headers.get('etag')!
      for (const named of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await at.send(path, { headers: { 'if-none-match': named } })
        expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag])
      }
      expect((await at.send(path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
      const head = await at.send(path, { method: 'HEAD' })
      expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, etag, ''])
    }
  })

  test('are for those who are signed in, by key or by session, and have the role', async () => {
    for (const path of ['/admin/console/', '/admin/console', '/admin/console/nothing'])
      expect(await at.codeOf(path, { key: null })).toEqual([401, 'ADMIN_UNAUTHORIZED'])
    const login = await at.send('/admin/session', { key: null, json: { key: adminKey } })
    const cookie = login.headers.get('set-cookie')!.split(';')[0]!
    expect((await at.send('/admin/console/', { key: null, headers: { cookie } })).status).toBe(200)
    const viewer = await at.keyOf('viewer')
    expect((await at.send('/admin/console/', { key: viewer })).status).toBe(200)
    expect(await at.codeOf('/admin/secret/', { key: viewer })).toEqual([403, 'ADMIN_FORBIDDEN'])
    expect(await at.codeOf('/admin/console/', { key: await at.keyOf('viewer', { scopes: ['jobs'] }) })).toEqual([
      403,
      'ADMIN_FORBIDDEN',
    ])
    expect((await at.send('/admin/console/', { key: await at.keyOf('viewer', { scopes: ['pages'] }) })).status).toBe(
      200,
    )
    expect((await at.send('/admin/secret/')).status).toBe(200)
  })

  test('lead from their path to the directory, and answer to reading alone', async () => {
    for (const query of ['', '?x=1&y=%2F%C3%A9']) {
      const response = await at.send(`/admin/console${query}`)
      expect([response.status, response.headers.get('location')]).toEqual([308, `console/${query}`])
    }
    expect(await at.codeOf('/admin/console/app.js', { method: 'POST' })).toEqual([405, 'HTTP_405'])
  })

  test.each(oddNames)('%s is served by its encoded name', async (name) => {
    for (const path of ['/admin/disk', '/admin/console']) {
      const response = await at.send(`${path}/${name.split('/').map(encodeURIComponent).join('/')}`)
      expect([path, response.status, await response.text()]).toEqual([path, 200, name])
    }
  })

  test.each([
    'nothing.html',
    'sub',
    'sub/',
    '.env',
    'link.txt',
    '%2e%2e%2foutside.txt',
    '..%2foutside.txt',
    '..%5coutside.txt',
    'sub%2f..%2f..%2foutside.txt',
    '%00',
    'a%0ab',
    'sub//app.js',
    'sub%2f.%2fapp.js',
    'sub/../index.html%2f',
    '%',
    '%2fetc%2fpasswd',
    'constructor',
    `${'a'.repeat(600)}`,
  ])('%s is not there', async (name) => {
    for (const path of ['/admin/disk', '/admin/console']) {
      const response = await at.send(`${path}/${name}`)
      const text = await response.text()
      expect([name, response.status, JSON.parse(text).code]).toEqual([name, 404, 'ADMIN_NOT_FOUND'])
      expect(text).not.toContain('canary')
    }
  })

  test('that throw, are too large or are no page are a problem without the reason', async () => {
    const faulty = ['broken.html', 'large.txt', ...Object.keys(hostileAssets)]
    for (const name of faulty) {
      const response = await at.send(`/admin/console/${name}`)
      const text = await response.text()
      expect([name, response.status, JSON.parse(text).code]).toEqual([name, 500, 'INTERNAL'])
      expect(text).not.toContain('canary')
    }
    expect((await at.send('/admin/console/')).status).toBe(200)
    const { plugins } = at.runtime.status()
    const states = plugins.map(({ name, state, errors }) => [name, state, errors])
    expect(states).toContainEqual(['console', 'degraded', faulty.length])
    expect(states).toContainEqual(['disk', 'ok', 0])
  })

  test('at a path of another plugin are refused by name, and that plugin keeps it', async () => {
    expect(await (await at.send('/admin/console/')).text()).toContain('console')
    expect(await at.get('/admin/jobs')).toHaveProperty('jobs')
    const { logs } = (await at.get('/admin/logs/recent?limit=1000&level=error')) as unknown as { logs: unknown[] }
    const text = JSON.stringify(logs)
    expect(text).toContain('ADMIN_PAGES_INVALID')
    expect(text).toContain('the admin pages of thief are refused: /admin/jobs belongs to admin')
    expect(text).toContain('the admin pages of thief are refused: /admin/console belongs to console')
  })

  test('that are refused keep their plugin degraded from the start on, and are counted once', async () => {
    const clock = testClock()
    const routes = adminRoutes({ path: '/admin/lamp', app: () => new Hono() as never })
    const contributed = { pages: adminPages({ path: '/admin/jobs', root: assets }), routes }
    const squatter = definePlugin({
      ...{ api: 1, name: 'squatter', version: '1.0.0', summary: 'Squats.' },
      config: z.strictObject({ what: z.enum(['pages', 'routes']).default('pages') }),
      setup: ({ config }) => ({ contributes: [contributed[config.what]] }),
    })
    await using other = await bootAdmin({
      plugins: [squatter, pagesOf('console', { path: '/admin/console', root: assets })],
      config: { plugins: { squatter: {}, console: {} } },
      clock,
    })
    const status = () => other.runtime.status().plugins.find(({ name }) => name === 'squatter')
    const what = 'the admin pages of squatter are refused: /admin/jobs belongs to admin'
    const refused = { state: 'degraded', errors: 1, reason: expect.stringContaining(what) }
    expect(status()).toMatchObject(refused)
    await clock.advance(75_000)
    await other.runtime.restart('console')
    await other.get('/admin/openapi.json')
    expect(status()).toMatchObject(refused)
    await other.runtime.changes.apply({ plugins: { squatter: { what: 'routes' } } }, { by: 'test' })
    await clock.advance(75_000)
    for (let turns = 0; turns < 1_000 && status()?.state === 'ok'; turns += 1) await yieldToLoop()
    expect(status()).toMatchObject({
      state: 'degraded',
      errors: 2,
      reason: expect.stringContaining('`app` must return an OpenAPIHono'),
    })
  })

  test('go when their plugin goes', async () => {
    await at.send('/admin/plugins/console/disable', { method: 'POST' })
    expect(await (await at.send('/admin/console/')).text()).toBe('next')
    await at.send('/admin/plugins/thief/disable', { method: 'POST' })
    expect((await at.send('/admin/console/')).status).toBe(404)
    expect((await at.send('/admin/disk/')).status).toBe(200)
  })
})

test.each<[string, Partial<AdminPages>, string]>([
  ['a path elsewhere', { path: '/console' }, 'is not one name below /admin/'],
  ['a deeper path', { path: '/admin/a/b' }, 'is not one name below /admin/'],
  ['a root that is not there', { root: new URL('file:///nowhere/') }, 'is not a directory'],
  ['a root on the network', { root: new URL('https://a.example/') }, 'is not a directory'],
  ['a dot file', { root: { 'a/.env': '' } }, 'the file a/.env has a name'],
  ['a way out', { root: { '../a': '' } }, 'the file ../a has a name'],
  ['a hidden index', { index: '.index.html' }, 'their index .index.html'],
  ['a large file', { root: { a: new Uint8Array(maxAssetBytes + 1) } }, 'or a size that is not allowed'],
  [
    'many files',
    { root: Object.fromEntries(Array.from({ length: maxAssets + 1 }, (_, at) => [`f${at}`, ''])) },
    'more than',
  ],
  [
    'many bytes',
    { root: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`f${at}`, new Uint8Array(maxAssetBytes)])) },
    'larger than',
  ],
])('%s is refused', async (_, pages, what) => {
  expect(await pagesProblem({ path: '/admin/console', root: {}, ...pages })).toContain(what)
})

test('a contribution that does not answer is left out in time', async () => {
  const clock = testClock()
  const silent = { path: '/admin/x', app: () => new Promise<never>(() => {}) }
  const given = ['one', 'two'].map((plugin) => ({ plugin, value: silent, fault() {}, hold() {} }))
  const refused = new Map<Contributed<unknown>, unknown>()
  const composed = compose(createApi(), given, [], new Map(), refused, clock)
  for (const _ of given) await yieldToLoop()
  await clock.advance(2_000)
  expect(await composed).toEqual([])
  expect([...refused.values()].map(messageOf)).toEqual(
    given.map(({ plugin }) => `the admin routes of ${plugin} are refused: no answer in 2000 ms`),
  )
})

test('a root that is a text is refused with the form of a directory', () => {
  const { shape } = adminPages.rules!
  expect(shapeProblem(shape, { path: '/admin/x', root: '/srv/pages' })).toBe(
    `root must be a map of files, or a directory as new URL('./pages/', import.meta.url), got "/srv/pages"`,
  )
})
