import { describe, expect, test } from 'bun:test'
import { Hono } from 'hono'
import { routeConflicts } from '../../../../core/requests/routes/route-conflicts.ts'

const answer = () => new Response('ok')
const get = (...paths: string[]) => paths.reduce((app, path) => app.get(path, answer), new Hono())
const owner = (plugin: string, routes: Hono, foreign = true) => ({ plugin, routes, foreign })

describe('the routes of two plugins', () => {
  const api = new Hono().all('/admin/*', answer)
  test.each<[string, Hono, Hono, string | undefined]>([
    ['differ', get('/livez'), get('/readyz'), undefined],
    ['are the same', get('/metrics'), get('/metrics'), 'GET /metrics'],
    ['differ by method', get('/jobs'), new Hono().post('/jobs', answer), undefined],
    ['are below a wildcard', api, get('/admin/other'), 'GET /admin/other'],
    ['hide one below a wildcard', get('/admin/other'), api, 'GET /admin/other'],
    ['have one path by parameters', get('/users/:id'), get('/users/:name'), 'GET /users/:name'],
    ['meet where a name is a value of a parameter', get('/users/:id'), get('/users/me'), 'GET /users/me'],
    ['share a path only with a middleware', new Hono().use('*', (_, next) => next()), get('/x'), undefined],
  ])('that %s', (_, first, second, conflict) => {
    const found = routeConflicts([owner('first', first), owner('second', second)])
    expect([...found]).toEqual(conflict === undefined ? [] : [['second', `${conflict}, which first answers`]])
  })

  test('leave a plugin of the catalog its paths, also where it starts later', () => {
    const found = routeConflicts([owner('shadow', get('/admin/plugins')), owner('admin', api, false)])
    expect([...found]).toEqual([['shadow', 'GET /admin/plugins, which admin answers']])
  })

  test('count as none where a value is not an application', () => {
    const broken = { plugin: 'broken', foreign: true, routes: 5 as never }
    expect([...routeConflicts([broken, owner('good', get('/livez'))])]).toEqual([])
  })
})
