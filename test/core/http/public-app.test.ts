import { expect, test } from 'bun:test'
import { type Context, type Handler, Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { ArkwatchError, coreError } from '../../../core/contract/errors.ts'
import { composeApp } from '../../../core/http/public-app.ts'
import { observedPath } from './support.ts'

function compose() {
  const errors: string[] = []
  const plugin = (name: string, routes: Hono) => ({
    plugin: name,
    routes,
    failed: (error: unknown) => void errors.push(`${name}: ${error}`),
  })
  const first = new Hono()
    .get('/metrics', (c) => c.text('m'))
    .get('/broken', () => {
      throw new Error('password=hunter2')
    })
  const second = new Hono()
    .get('/livez', (c) => c.text('ok'))
    .get('/refused', () => {
      throw new HTTPException(403, { message: 'viewer only' })
    })
    .get('/down', async () => {
      throw new HTTPException(503)
    })
    .get('/busy', () => {
      throw coreError('RELOAD_BUSY')
    })
    .get('/own', () => {
      throw new HTTPException(401, { res: new Response('mine', { status: 401 }) })
    })
  const app = composeApp([plugin('metrics', first), plugin('health', second)])
  return { app, errors }
}

test('every plugin’s routes are mounted at the root', async () => {
  const { app } = compose()
  expect(await (await app.request('/metrics')).text()).toBe('m')
  expect(await (await app.request('/livez')).text()).toBe('ok')
})

test('a route that throws is reported to its plugin, and the client sees a problem without stack or message', async () => {
  const { app, errors } = compose()
  const response = await app.request('/broken')
  expect(response.status).toBe(500)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(await response.json()).toEqual({ type: 'about:blank', title: 'Internal server error', status: 500 })
  expect(errors).toEqual(['metrics: Error: password=hunter2'])
})

test('what is refused on purpose is a problem with its detail, and no fault of the plugin', async () => {
  const { app, errors } = compose()
  const response = await app.request('/refused')
  expect(await response.json()).toEqual({ type: 'about:blank', title: 'Forbidden', status: 403, detail: 'viewer only' })
  expect(await (await app.request('/own')).text()).toBe('mine')
  expect(errors).toEqual([])
  expect((await app.request('/down')).status).toBe(503)
  expect(errors).toHaveLength(1)
})

test('a route that returns nothing is reported to its plugin; a middleware may return nothing', async () => {
  const errors: string[] = []
  const routes = new Hono()
    .use('/fine', (_, next) => next())
    .use('/fine', async (_, next) => {
      await next()
    })
    .get('/fine', (c) => c.text('fine'))
    .get('/sync', ((c) => void c.text('lost')) as Handler)
    .get('/async', (async (c) => void c.text('lost')) as Handler)
  const app = composeApp([{ plugin: 'mine', routes, failed: (error) => void errors.push(`${error}`) }])
  expect(await (await app.request('/fine')).text()).toBe('fine')
  expect([(await app.request('/sync')).status, (await app.request('/async')).status]).toEqual([500, 500])
  expect(errors).toEqual(Array(2).fill('TypeError: a route returned nothing: `return` the Response'))
  expect((await app.request('/none')).status).toBe(404)
})

test('a plugin that brings its own copy of Hono and of Arkwatch along answers as any other', async () => {
  const copyOf = (file: string) => import(`${Bun.resolveSync(file, import.meta.dir)}?copy`)
  const { HonoBase: Base } = await copyOf('../../../node_modules/hono/dist/hono-base.js')
  const { HTTPException: Exception } = await copyOf('../../../node_modules/hono/dist/http-exception.js')
  const { defineErrors } = await copyOf('../../../core/contract/errors.ts')
  const ownError = defineErrors('mine', { MINE_FULL: { status: 422, message: 'full', help: 'Wait.' } })
  const routes = new Base({ router: new RegExpRouter() })
    .use('*', (_: unknown, next: () => Promise<void>) => next())
    .get('/full', () => {
      throw ownError('MINE_FULL')
    })
    .get('/forbidden', () => {
      throw new Exception(403, { message: 'no' })
    })
    .get('/broken', () => {
      throw new Error('broken')
    })
    .get('/fine', (c: Context) => c.text('fine'))
  expect([routes instanceof Hono, ownError('MINE_FULL') instanceof ArkwatchError]).toEqual([false, true])
  const errors: string[] = []
  const app = composeApp([{ plugin: 'mine', routes, failed: (error) => void errors.push(`${error}`) }])
  const answers = ['/fine', '/full', '/forbidden', '/broken'].map(async (path) => (await app.request(path)).status)
  expect(await Promise.all(answers)).toEqual([200, 422, 403, 500])
  expect(await (await app.request('/full')).json()).toMatchObject({ code: 'MINE_FULL', help: 'Wait.' })
  expect(errors).toEqual(['Error: broken'])
})

test('the message of a refusal is shown without secrets', async () => {
  const routes = new Hono().get('/x', () => {
    throw new HTTPException(418, { message: 'no postgres://app:hunter2@db/x and password=hunter2' })
  })
  const app = composeApp([{ plugin: 'mine', routes, failed() {} }])
  expect(await (await app.request('/x')).text()).not.toContain('hunter2')
})

test('an unknown path is a problem', async () => {
  const { app } = compose()
  const response = await app.request('/nowhere')
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(await response.json()).toEqual({ type: 'about:blank', title: 'Not found', status: 404 })
})

test('our own routes are measured like anyone’s', async () => {
  const { path, taken } = observedPath()
  const fetch = path.wrapHono(compose().app)
  for (const url of ['/metrics', '/broken', '/nowhere']) await fetch(new Request(`http://localhost${url}`))
  expect(taken()).toEqual(['GET /metrics 200', 'GET /broken 500', 'GET __unmatched 404'])
})

test('a declared error with a status is a problem with its code, and no fault of the plugin', async () => {
  const { app, errors } = compose()
  const response = await app.request('/busy')
  expect([response.status, await response.json()]).toEqual([
    409,
    expect.objectContaining({ status: 409, code: 'RELOAD_BUSY', detail: expect.any(String), help: expect.any(String) }),
  ])
  expect(errors).toEqual([])
})

test('routes that no router takes, or that are no Hono application, are left out, and those of the others answer', async () => {
  const errors: string[] = []
  const of = (plugin: string, routes: Hono) => ({ plugin, routes, failed: () => void errors.push(plugin) })
  const app = composeApp([
    of(
      'pattern',
      new Hono().get('/x/:id{[}', (c) => c.text('never')),
    ),
    of('nothing', {} as Hono),
    of(
      'good',
      new Hono().get('/good', (c) => c.text('good')),
    ),
  ])
  expect(await (await app.request('/good')).text()).toBe('good')
  expect(errors).toEqual(['pattern', 'nothing'])
})
