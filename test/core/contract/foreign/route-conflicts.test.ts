import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { Hono } from 'hono'
import { patternsMeet, rankRoutes } from '../../../../core/contract/foreign/route-conflicts.ts'
import { definePlugin, z } from '../../../../core/plugin.ts'
import { answersOf } from '../../../../core/requests/routes/plugin-routes.ts'
import { createRouteMatcher } from '../../../../core/requests/routes/route-matcher.ts'
import { load } from '../../config/support.ts'

const answer = () => new Response('ok')
const get = (...paths: string[]) => paths.reduce((app, path) => app.get(path, answer), new Hono())
const owner = (plugin: string, routes: Hono, foreign = true) => ({ plugin, foreign, answers: answersOf(routes) })
const refusedOf = (owners: Parameters<typeof rankRoutes>[0]) =>
  [...rankRoutes(owners).refused].map(
    ([
      plugin,
      {
        keeper,
        refused: { method, path },
      },
    ]) => `${plugin}: ${keeper} answers ${method} ${path}`,
  )

describe('the routes of two plugins', () => {
  const api = new Hono().all('/admin/*', answer)
  test.each<[string, Hono, Hono, string | undefined]>([
    ['differ', get('/livez'), get('/readyz'), undefined],
    ['are the same', get('/metrics'), get('/metrics'), 'GET /metrics'],
    ['differ by HEAD, which Hono never asks for', get('/a'), new Hono().on('HEAD', '/a', answer), undefined],
    ['differ by method', get('/jobs'), new Hono().post('/jobs', answer), undefined],
    ['are below a wildcard', api, get('/admin/other'), 'GET /admin/other'],
    ['hide one below a wildcard', get('/admin/other'), api, 'ALL /admin/*'],
    ['meet by an expression', api, get('/:any{admin}/z'), 'GET /:any{admin}/z'],
    ['meet by crossed parameters', get('/:a/x'), get('/y/:b'), 'GET /y/:b'],
    ['meet at a wildcard in the middle', get('/a/*/c'), get('/a/b/c'), 'GET /a/b/c'],
    ['meet at the parent of a wildcard', api, get('/admin'), 'GET /admin'],
    ['meet by an optional parameter', get('/users'), get('/users/:id?'), 'GET /users/:id?'],
    ['differ in length', get('/a/b'), get('/a'), undefined],
    ['are a fallback for everything', get('/livez'), get('*'), undefined],
    ['have one path by parameters', get('/users/:id'), get('/users/:name'), 'GET /users/:name'],
    ['meet where a name is a value of a parameter', get('/users/:id'), get('/users/me'), 'GET /users/me'],
    ['share a path only with a middleware', new Hono().use('*', (_, next) => next()), get('/x'), undefined],
  ])('that %s', async (_, first, second, conflict) => {
    expect(refusedOf([owner('first', first), owner('second', second)])).toEqual(
      conflict === undefined ? [] : [`second: first answers ${conflict}`],
    )
    // A check of the configuration judges the declared routes as a start judges those that are served.
    const declaring = (name: string, app: Hono) =>
      definePlugin({
        ...{ api: 1, name, version: '1.0.0', summary: 'For a test.', config: z.strictObject({}), setup: () => ({}) },
        offers: () => ({ routes: answersOf(app).map(({ method, path }) => `${method} ${path}`) }),
      })
    const { raw } = await load({}, { object: {}, plugins: [declaring('first', first), declaring('second', second)] })
    expect(raw.map(({ pointer }) => pointer)).toEqual(conflict === undefined ? [] : ['/plugins/second'])
  })

  test('leave a plugin of the catalog its paths, also where it starts later', () => {
    const owners = [owner('shadow', get('/admin/plugins')), owner('admin', api, false)]
    expect(refusedOf(owners)).toEqual(['shadow: admin answers GET /admin/plugins'])
  })

  test('count as none where a value is not an application', () => {
    expect(answersOf({ routes: 5 as never })).toEqual([])
  })

  test('are judged alike in each order of the sections', () => {
    const [one, other] = [owner('one', get('/same')), owner('other', get('/same'))]
    expect(rankRoutes([one, other])).toEqual(rankRoutes([other, one]))
  })
})

test('patterns meet where the router matches a path of both', () => {
  const part = fc.constantFrom('a', 'b', ':x', '*')
  const pattern = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`)
  const path = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
    .map((parts) => `/${parts.join('/')}`)
  fc.assert(
    fc.property(pattern, pattern, path, (one, other, wanted) => {
      const matches = (each: string) => createRouteMatcher(get(each))('GET', wanted).length > 0
      if (matches(one) && matches(other)) expect(patternsMeet(one, other)).toBe(true)
    }),
  )
})
