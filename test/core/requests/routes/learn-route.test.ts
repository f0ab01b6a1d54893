import { describe, expect, test } from 'bun:test'
import * as newest from 'hono'
import { HTTPException as NewestException } from 'hono/http-exception'
import { LinearRouter } from 'hono/router/linear-router'
import { PatternRouter } from 'hono/router/pattern-router'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { SmartRouter } from 'hono/router/smart-router'
import { TrieRouter } from 'hono/router/trie-router'
import * as oldest from 'hono-oldest'
import { HTTPException as OldestException } from 'hono-oldest/http-exception'
import { LinearRouter as OldLinear } from 'hono-oldest/router/linear-router'
import { PatternRouter as OldPattern } from 'hono-oldest/router/pattern-router'
import { RegExpRouter as OldRegExp } from 'hono-oldest/router/reg-exp-router'
import { SmartRouter as OldSmart } from 'hono-oldest/router/smart-router'
import { TrieRouter as OldTrie } from 'hono-oldest/router/trie-router'
import { observedPath } from '../../http/support.ts'

type Router = NonNullable<ConstructorParameters<typeof newest.Hono>[0]>['router']

const kinds: {
  version: string
  Hono: typeof newest.Hono
  Exception: typeof NewestException
  routers: Record<string, () => unknown>
}[] = [
  {
    version: 'newest',
    Hono: newest.Hono,
    Exception: NewestException,
    routers: {
      SmartRouter: () => new SmartRouter({ routers: [new RegExpRouter(), new TrieRouter()] }),
      'SmartRouter over TrieRouter': () => new SmartRouter({ routers: [new TrieRouter()] }),
      RegExpRouter: () => new RegExpRouter(),
      TrieRouter: () => new TrieRouter(),
      LinearRouter: () => new LinearRouter(),
      PatternRouter: () => new PatternRouter(),
    },
  },
  {
    version: 'oldest',
    Hono: oldest.Hono as unknown as typeof newest.Hono,
    Exception: OldestException as unknown as typeof NewestException,
    routers: {
      SmartRouter: () => new OldSmart({ routers: [new OldRegExp(), new OldTrie()] }),
      'SmartRouter over TrieRouter': () => new OldSmart({ routers: [new OldTrie()] }),
      RegExpRouter: () => new OldRegExp(),
      TrieRouter: () => new OldTrie(),
      LinearRouter: () => new OldLinear(),
      PatternRouter: () => new OldPattern(),
    },
  },
]

function build({ Hono, Exception }: (typeof kinds)[number], router: unknown) {
  const app = new Hono({ router: router as Router })
  app.onError((error, c) => c.text(error.message, error instanceof Exception ? error.status : 500))
  const sub = new Hono()
  sub.onError((_, c) => c.text('sub', 503))
  sub.get('/fine', (c) => c.text('fine'))
  sub.get('/broken', () => {
    throw new Error('broken')
  })
  app.use('/guarded/*', async (c, next) => (c.req.query('let') ? next() : c.text('no', 401)))
  app.get('/guarded/:id', (c) => c.text('in'))
  app.use('/passed/*', async (_, next) => next())
  app.get('/', (c) => c.text('root'))
  app.get('/users/:id', (c) => c.text(c.req.param('id')))
  app.get('/later/:id', async (c) => {
    await Promise.resolve()
    return c.text(c.req.param('id'))
  })
  app.post('/users', (c) => c.text('made', 201))
  app.all('/any', (c) => c.text(c.req.method))
  app.get('/teapot', () => {
    throw new Exception(418, { message: 'teapot' })
  })
  app.get('/gone/:id', (c) => c.text('gone', 404))
  app.route('/sub', sub)
  app.mount('/mounted', (request: Request) => new Response(new URL(request.url).pathname))
  return app
}

const cases: [method: string, path: string, seen: string, body: string | undefined][] = [
  ['GET', '/', 'GET / 200', 'root'],
  ['GET', '/users/7', 'GET /users/:id 200', '7'],
  ['GET', '/users/8?x=1', 'GET /users/:id 200', '8'],
  ['HEAD', '/users/7', 'HEAD /users/:id 200', ''],
  ['GET', '/later/7', 'GET /later/:id 200', '7'],
  ['HEAD', '/later/7', 'HEAD /later/:id 200', ''],
  ['POST', '/users', 'POST /users 201', 'made'],
  ['GET', '/any', 'GET /any 200', 'GET'],
  ['PUT', '/any', 'PUT /any 200', 'PUT'],
  ['PROPFIND', '/any', '_OTHER /any 200', 'PROPFIND'],
  ['GET', '/teapot', 'GET /teapot 418', 'teapot'],
  ['GET', '/gone/1', 'GET /gone/:id 404', 'gone'],
  ['GET', '/guarded/1', 'GET /guarded/:id 401', 'no'],
  ['GET', '/guarded/1?let=1', 'GET /guarded/:id 200', 'in'],
  ['POST', '/guarded/1?let=1', 'POST __unmatched 404', undefined],
  ['GET', '/sub/fine', 'GET /sub/fine 200', 'fine'],
  ['GET', '/sub/broken', 'GET /sub/broken 503', 'sub'],
  ['GET', '/mounted/deep', 'GET /mounted/* 200', '/deep'],
  ['GET', '/passed/1', 'GET __unmatched 404', undefined],
  ['HEAD', '/passed/1', 'HEAD __unmatched 404', ''],
  ['GET', '/nowhere', 'GET __unmatched 404', undefined],
  ['PUT', '/users/7', 'PUT __unmatched 404', undefined],
]

for (const kind of kinds) {
  for (const [name, router] of Object.entries(kind.routers)) {
    describe(`${kind.version} Hono with ${name}`, () => {
      test('the template of the matched route is learned, every time', async () => {
        const { path, taken, lines } = observedPath()
        const fetch = path.wrapHono(build(kind, router()))
        for (let round = 0; round < 3; round += 1) {
          for (const [method, url, seen, body] of cases) {
            const response = await fetch(new Request(`http://localhost${url}`, { method }))
            expect([url, ...taken()]).toEqual([url, seen])
            if (body !== undefined) expect(await response.text()).toBe(body)
          }
        }
        expect(path.active()).toBe(0)
        expect(lines).toEqual([])
      })

      test('a route added between wrap and the first request is learned', async () => {
        const { path, taken } = observedPath()
        const app = build(kind, router())
        const fetch = path.wrapHono(app)
        app.get('/added/:late', (c) => c.text('late'))
        await fetch(new Request('http://localhost/added/1'))
        expect(taken()).toEqual(['GET /added/:late 200'])
      })

      test('an application wrapped twice has its routes learned by both, one within the other', async () => {
        const [first, second] = [observedPath(), observedPath()]
        const app = build(kind, router())
        app.get('/nested', (c) => {
          void outer(new Request('http://localhost/users/1'))
          return c.text('nested')
        })
        const outer = first.path.wrapHono(app)
        const inner = second.path.wrapHono(app)
        for (let round = 0; round < 2; round += 1) {
          await outer(new Request('http://localhost/any'))
          await inner(new Request('http://localhost/nested'))
          expect(first.taken()).toEqual(['GET /any 200', 'GET /users/:id 200'])
          expect(second.taken()).toEqual(['GET /nested 200'])
        }
        expect([...first.lines, ...second.lines]).toEqual([])
      })

      test('a request that the application makes to itself does not take the place of the outer one', async () => {
        const { path, taken } = observedPath()
        const app = build(kind, router())
        app.get('/outer', async (c) => {
          const inner = await app.request('/users/1')
          return c.text(await inner.text())
        })
        app.get('/nested', (c) => {
          void fetch(new Request('http://localhost/any'))
          return c.text('nested')
        })
        const fetch = path.wrapHono(app)
        await fetch(new Request('http://localhost/outer'))
        expect(taken()).toEqual(['GET /outer 200'])
        await fetch(new Request('http://localhost/nested'))
        expect(taken()).toEqual(['GET /any 200', 'GET /nested 200'])
      })
    })
  }

  test(`${kind.version} Hono: what is no Error passes untouched and counts as 500`, async () => {
    const { path, taken } = observedPath()
    const app = new kind.Hono()
    app.get('/now', () => {
      throw 'a string'
    })
    app.get('/soon', async () => {
      await Promise.resolve()
      throw 'a string'
    })
    const fetch = path.wrapHono(app)
    expect(() => fetch(new Request('http://localhost/now'))).toThrow('a string')
    await expect(fetch(new Request('http://localhost/soon'))).rejects.toBe('a string')
    expect(taken()).toEqual(['GET /now 500', 'GET /soon 500'])
    expect(path.active()).toBe(0)
  })

  test(`${kind.version} Hono: requests within requests, and paths that cannot be told, take no other's route`, async () => {
    const { path, taken } = observedPath()
    const getPath = (request: Request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/pathless') throw new Error('no path')
      if (pathname === '/looks') void run('/leaf')
      return pathname
    }
    const app = new kind.Hono({ getPath })
    const sub = new kind.Hono().get('/:id', async (c) => c.text(await (await run('/leaf')).text()))
    app.get('/leaf', (c) => c.text('leaf'))
    app.get('/looks', (c) => c.text('looks'))
    app.get('/past', () => {
      throw 'past'
    })
    app.get('/now', (c) => {
      void run('/leaf')
      for (const url of ['/past', '/pathless']) expect(() => run(url)).toThrow()
      void app.request('/leaf')
      return c.text('now')
    })
    app.get('/soon/:id', async (c) => {
      await run('/now')
      await run('/nowhere')
      return c.text('soon', 404)
    })
    app.get('/down/:left', async (c) => {
      const left = Number(c.req.param('left'))
      if (left > 0) await run(`/down/${left - 1}`)
      return c.text('down')
    })
    app.route('/sub', sub)
    app.mount('/mounted', () => run('/leaf'))
    const fetch = path.wrapHono(app)
    const run = (url: string) => fetch(new Request(`http://localhost${url}`))
    const now = ['GET /leaf 200', 'GET /past 500', 'GET __unmatched 500', 'GET /now 200']
    const expected: Record<string, string[]> = {
      '/now': now,
      '/soon/1': [...now, 'GET __unmatched 404', 'GET /soon/:id 404'],
      '/down/2': Array.from({ length: 3 }, () => 'GET /down/:left 200'),
      '/looks': ['GET /leaf 200', 'GET /looks 200'],
      '/sub/1': ['GET /leaf 200', 'GET /sub/:id 200'],
      '/mounted/1': ['GET /leaf 200', 'GET /mounted/* 200'],
    }
    for (let round = 0; round < 2; round += 1) {
      for (const [url, seen] of Object.entries(expected)) {
        await run(url)
        expect([url, ...taken()]).toEqual([url, ...seen])
      }
    }
    expect(path.active()).toBe(0)
  })

  test(`${kind.version} Hono: env and execution context reach the handler`, async () => {
    const { path } = observedPath()
    const app = new kind.Hono<{ Bindings: { name: string } }>()
    app.get('/env', (c) => c.text(`${c.env.name} ${(c.executionCtx as unknown as { id: number }).id}`))
    const fetch = path.wrapHono(app)
    const response = await fetch(new Request('http://localhost/env'), { name: 'server' }, { id: 7 })
    expect(await response.text()).toBe('server 7')
  })

  test(`${kind.version} Hono: a router of another make is warned of once, and routes are still known`, async () => {
    const { path, taken, lines } = observedPath()
    const app = build(kind, undefined)
    Object.defineProperty(app, 'router', { value: undefined })
    const inner = build(kind, undefined)
    Object.defineProperty(app, 'fetch', { value: inner.fetch })
    const fetch = path.wrapHono(app)
    for (const url of ['/users/1', '/sub/fine', '/nowhere', '/guarded/1'])
      await fetch(new Request(`http://localhost${url}`))
    await fetch(new Request('http://localhost/users/1', { method: 'HEAD' }))
    expect(taken()).toEqual([
      'GET /users/:id 200',
      'GET /sub/fine 200',
      'GET __unmatched 404',
      'GET /guarded/:id 401',
      'HEAD /users/:id 200',
    ])
    expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn this version of Hono is not known, its routes are matched a second time for each request',
    ])
  })

  test(`${kind.version} Hono: a router whose results change shape is left alone, and routes are still known`, async () => {
    const { path, taken, lines } = observedPath()
    const app = build(kind, undefined)
    const { router } = app as unknown as { router: { match(method: string, path: string): [unknown[]] } }
    await app.request('/')
    const { match } = router
    const strange = (method: string, url: string): [unknown[]] => {
      const [list] = match.call(router, method, url) as [[[unknown, unknown], unknown][]]
      return [list.map(([[handler], params]) => [[handler, 'no route'], params])]
    }
    router.match = strange
    const fetch = path.wrapHono(app)
    await fetch(new Request('http://localhost/any'))
    await fetch(new Request('http://localhost/any'))
    expect(taken()).toEqual(['GET /any 200', 'GET /any 200'])
    expect(lines).toHaveLength(1)
    expect(router.match).toBe(strange)
  })

  test(`${kind.version} Hono: a router whose results change shape within a request is left alone, and no route is lost`, async () => {
    const { path, taken, lines } = observedPath()
    const app = new kind.Hono()
    const run = (url: string) => fetch(new Request(`http://localhost${url}`))
    app.get('/leaf', (c) => c.text('leaf'))
    app.get('/strange', (c) => {
      void run('/leaf')
      return c.text('strange')
    })
    app.get('/outer', (c) => {
      void run('/strange')
      void run('/leaf')
      return c.text('outer')
    })
    await app.request('/')
    const { router } = app as unknown as { router: { match(method: string, path: string): unknown[] } }
    const { match } = router
    router.match = (method, url) => {
      const [list, ...rest] = match.call(router, method, url) as [[[unknown, unknown], unknown][]]
      return [url === '/strange' ? list.map(([[handler], params]) => [[handler, 'no route'], params]) : list, ...rest]
    }
    const fetch = path.wrapHono(app)
    const once = ['GET /leaf 200', 'GET /strange 200', 'GET /leaf 200', 'GET /outer 200']
    for (let round = 0; round < 2; round += 1) {
      await run('/outer')
      expect(taken()).toEqual(once)
    }
    expect(lines).toHaveLength(1)
    expect(path.active()).toBe(0)
  })

  test(`${kind.version} Hono: the middleware sees routes, statuses and errors`, async () => {
    const { path, taken } = observedPath()
    const app = new kind.Hono()
    app.use(path.middleware() as newest.MiddlewareHandler)
    app.route('/', build(kind, undefined))
    for (const [method, url] of cases) await app.request(url, { method })
    const sameButBySubApp = cases.map(([, , seen]) => seen)
    expect(taken()).toEqual(sameButBySubApp)
    expect(path.active()).toBe(0)
  })
}
