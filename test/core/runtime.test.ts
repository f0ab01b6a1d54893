import { describe, expect, test } from 'bun:test'
import { Hono } from 'hono'
import { definePlugin } from '../../core/contract/definition.ts'
import { controlCommand, EventLoop, extensionPoint, logSink, Runtime, z } from '../../core/plugin.ts'
import { systemClock, yieldToLoop } from '../../core/process/clock.ts'
import { testRuntime } from '../../testing/test-runtime.ts'
import { freePort } from '../support/services.ts'

const gates = new Map<string, PromiseWithResolvers<void>>()
const web = definePlugin({
  api: 1,
  name: 'web',
  version: '1.0.0',
  summary: 'Answers.',
  config: z.strictObject({ text: z.string().default('one') }),
  needs: { runtime: Runtime, eventLoop: EventLoop },
  setup({ config, needs }) {
    const routes = new Hono()
    routes.get('/text', (c) => c.text(config.text))
    routes.get('/throws', () => {
      throw new Error('a secret of the inside')
    })
    routes.get('/slow/:gate', async (c) => {
      await gates.get(c.req.param('gate'))!.promise
      return c.text(`stopping ${needs.runtime.status().stopping}`)
    })
    return { routes }
  },
})
const server = { port: 0, drainDelay: '0s', drainTimeout: '5s' }
const boot = (config: Record<string, unknown> = {}) =>
  testRuntime({ plugins: [web], clock: systemClock, config: { server, ...config } })

describe('the runtime', () => {
  test('answers the routes of its plugins on its listener', async () => {
    await using booted = await boot()
    const { listeners, ready, embedded } = booted.runtime.status()
    expect({ ready, embedded, count: listeners.length }).toEqual({ ready: true, embedded: false, count: 1 })
    const response = await fetch(`${listeners[0]!.url}/text`)
    expect(await response.text()).toBe('one')
  })

  test('leaves out the routes of a plugin that would answer a path of another, and says which', async () => {
    const shadow = {
      ...web,
      name: 'z_shadow',
      setup: () => ({ routes: new Hono().get('/text', (c) => c.text('mine')) }),
    }
    await using booted = await testRuntime({ plugins: [web, shadow as never] })
    expect(await (await booted.fetch('/text')).text()).toBe('one')
    const { state, reason } = booted.runtime.status().plugins.find(({ name }) => name === 'z_shadow')!
    expect(state).toBe('degraded')
    expect(reason).toContain('web answers GET /text')
  })

  test('runs no middleware of another plugin before the routes of a plugin of the catalog', async () => {
    const taken = (c: { text(text: string): Response }, _next: unknown) => c.text('taken')
    const routes = new Hono().use('*', taken as never).get('/mine', (c) => c.text('mine'))
    const a_guard = { ...web, name: 'a_guard', setup: () => ({ routes }) }
    const config = { plugins: { a_guard: {}, web: {} } }
    await using booted = await testRuntime({
      plugins: [a_guard as never],
      catalog: { web: async () => ({ default: web }) },
      config,
    })
    expect(await (await booted.fetch('/text')).text()).toBe('one')
    expect(await (await booted.fetch('/mine')).text()).toBe('taken')
  })

  test('keeps a plugin degraded whose hook was taken out, until a reload brings the hook back', async () => {
    let broken = true
    const probe = definePlugin({
      ...{ api: 1, name: 'probe', version: '1.0.0', summary: 'Observes.', config: z.strictObject({}) },
      setup: () => ({
        hooks: {
          onResponse() {
            if (broken) throw new Error('cannot observe')
          },
        },
        routes: new Hono().get('/probe', (c) => c.text('probed')),
      }),
    })
    await using booted = await testRuntime({ plugins: [probe] })
    const status = () => booted.runtime.status().plugins[0]!
    for (let request = 0; request < 10; request += 1) await booted.fetch('/probe')
    await booted.clock.advance(75_000)
    const reason = 'the request hook onResponse threw ten times in a row and was taken out: cannot observe'
    expect(status()).toMatchObject({ state: 'degraded', errors: 10, reason })
    broken = false
    await booted.runtime.reload()
    expect(status()).toMatchObject({ state: 'ok', reason: '' })
  })

  test.each([
    ['the rules of the point', 'name must be a text'],
    ['the owner of the point', 'no room'],
  ])('keeps a plugin degraded as long as %s refuses its contribution', async (_, what) => {
    const point = extensionPoint<{ name: string }>('shelf.book', { shape: { name: 'text' } })
    let remove = () => {}
    const shelf = definePlugin({
      ...{ api: 1, name: 'shelf', version: '1.0.0', summary: 'Holds books.', config: z.strictObject({}) },
      setup: ({ extensions }) => ({
        ready() {
          for (const each of extensions(point).all) each.hold('no room')
        },
      }),
    })
    const value = { name: what === 'no room' ? 'atlas' : 7 } as { name: string }
    const giver = definePlugin({
      ...{ api: 1, name: 'giver', version: '1.0.0', summary: 'Gives a book.', config: z.strictObject({}) },
      setup: ({ contribute }) => ({
        start() {
          remove = contribute(point(value))
        },
      }),
    })
    await using booted = await testRuntime({ plugins: [shelf, giver] })
    const status = () => booted.runtime.status().plugins.find(({ name }) => name === 'giver')!
    await booted.clock.advance(75_000)
    expect(status()).toMatchObject({ state: 'degraded' })
    if (what === 'no room') expect(status().reason).toBe(what)
    remove()
    expect(status()).toMatchObject({ state: 'ok', reason: '' })
  })

  test('counts a route that throws, and tells the client nothing of it', async () => {
    await using booted = await boot()
    const response = await booted.fetch('/throws')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
    expect(booted.runtime.status().plugins[0]).toMatchObject({ state: 'degraded', errors: 1 })
  })

  test('counts a command and a log sink that throw for their plugin, and loses no line', async () => {
    const broken = (what: string) => () => {
      throw new Error(`${what} is broken`)
    }
    const faulty = definePlugin({
      api: 1,
      name: 'faulty',
      version: '1.0.0',
      summary: 'Throws.',
      config: z.strictObject({}),
      setup: () => ({
        contributes: [
          controlCommand({ name: 'break', run: broken('the command') }),
          logSink({ isEnabled: () => true, write: broken('the sink') }),
        ],
      }),
    })
    await using booted = await testRuntime({ plugins: [web, faulty] })
    const status = () => booted.runtime.status().plugins
    await expect(booted.runtime.commands().get('break')!.run({})).rejects.toThrow('the command is broken')
    expect(status()[1]).toMatchObject({ state: 'degraded', reason: expect.stringContaining('is broken') })
    booted.runtime.logger('test').info('a line')
    expect(status()[1]!.reason).toBe('a contribution to core.logSink threw: the sink is broken')
    expect(status()[0]!.state).toBe('ok')
    expect(booted.lines.map(({ message }) => message)).toContain('a line')
  })

  test('lets a request in flight finish when it stops, and refuses new ones', async () => {
    const booted = await boot()
    const { url } = booted.runtime.status().listeners[0]!
    gates.set('drain', Promise.withResolvers())
    const slow = fetch(`${url}/slow/drain`).then((response) => response.text())
    // The request has to reach the server first.
    while (booted.runtime.activeRequests() === 0) await Bun.sleep(1)
    const stop = booted.stop()
    await Bun.sleep(1) // The listener closes in real time.
    await expect(fetch(`${url}/text`)).rejects.toThrow()
    gates.get('drain')!.resolve()
    expect(await slow).toBe('stopping true')
    expect(await stop).toEqual({ hung: [] })
  })

  describe('with an application that has a server of its own', () => {
    const settings = { server: { ...server, drainDelay: '3s', drainTimeout: '5s' } }
    const begin = async (drain: () => unknown) => {
      const booted = await testRuntime({ plugins: [web], config: settings })
      const { url } = booted.runtime.status().listeners[0]!
      const seen: string[] = []
      const stopped = booted.runtime.stop({
        drain: async () => {
          seen.push(`${booted.clock.monotonic()} ${booted.runtime.status().plugins[0]!.state}`)
          seen.push((await fetch(`${url}/text`)).ok ? 'still listens' : 'does not answer')
          await drain()
        },
      })
      expect(booted.runtime.status().ready).toBe(false)
      const fromMs = booted.clock.monotonic()
      await booted.clock.advance(2_999)
      expect(seen).toEqual([])
      await booted.clock.advance(1)
      while (seen.length < 2) await Bun.sleep(1) // An answer over a real socket.
      expect(seen).toEqual([`${fromMs + 3_000} ok`, 'still listens'])
      return { ...booted, stopped }
    }
    const stateOf = ({ runtime }: Awaited<ReturnType<typeof begin>>) => runtime.status().plugins[0]?.state

    test('drains it after the delay and before any plugin stops', async () => {
      const ended = Promise.withResolvers<void>()
      await using booted = await begin(() => ended.promise)
      expect(stateOf(booted)).toBe('ok')
      ended.resolve()
      expect(await booted.stopped).toEqual({ hung: [] })
      expect(stateOf(booted)).not.toBe('ok')
    })

    test('waits for it no longer than drainTimeout', async () => {
      await using booted = await begin(() => new Promise(() => {}))
      await booted.clock.advance(4_999)
      expect(stateOf(booted)).toBe('ok')
      await booted.clock.advance(1)
      expect(await booted.stopped).toEqual({ hung: [] })
    })

    test('waits for it no longer when it is forced', async () => {
      await using booted = await begin(() => new Promise(() => {}))
      booted.runtime.force()
      expect(await booted.stopped).toEqual({ hung: [] })
    })

    test('stops all the same when draining throws, and logs it', async () => {
      await using booted = await begin(() => {
        throw new Error('no such server')
      })
      expect(await booted.stopped).toEqual({ hung: [] })
      const logged = booted.lines.filter(({ message }) => message === 'draining the application failed')
      expect(logged).toHaveLength(1)
    })
  })

  test('stops at once when it is forced', async () => {
    const booted = await boot({ server: { ...server, drainDelay: '60s' } })
    const stop = booted.stop()
    booted.runtime.force()
    expect(await stop).toEqual({ hung: [] })
  })

  test('keeps the old configuration where the new one has mistakes, and says so', async () => {
    await using booted = await boot()
    await expect(booted.reload({ server, plugins: { web: { txt: 'two' } } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
    expect(await (await booted.fetch('/text')).text()).toBe('one')
    const { lastReload, generation } = booted.runtime.status()
    expect({ ok: lastReload.ok, generation }).toEqual({ ok: false, generation: 1 })
    expect(booted.lines.filter(({ message }) => message.includes('the old configuration stays'))).toHaveLength(1)
    await booted.reload({ server, plugins: { web: { text: 'two' } } })
    expect(await (await booted.fetch('/text')).text()).toBe('two')
    expect(booted.runtime.status()).toMatchObject({ generation: 2, lastReload: { ok: true } })
  })

  test('moves its listener on a reload: the new one is open before the old one closes', async () => {
    const ports = [await freePort(), await freePort()]
    await using booted = await boot({ server: { ...server, port: ports[0] } })
    await booted.reload({ server: { ...server, port: ports[1] } })
    expect(await (await fetch(`http://127.0.0.1:${ports[1]}/text`)).text()).toBe('one')
    await expect(fetch(`http://127.0.0.1:${ports[0]}/text`)).rejects.toThrow()
  })

  test('a reload that moves or closes the listener does not wait for requests, which end in their time', async () => {
    const [one, two] = [freePort(), freePort()]
    await using booted = await boot({ server: { ...server, port: one } })
    const steps: [number, Record<string, unknown>][] = [
      [one, { server: { ...server, port: two } }],
      [two, { server: { ...server, port: one } }],
      [one, {}],
    ]
    const answers: Promise<string>[] = []
    for (const [index, [port, config]] of steps.entries()) {
      gates.set(`${index}`, Promise.withResolvers())
      answers.push(fetch(`http://127.0.0.1:${port}/slow/${index}`).then((response) => response.text()))
      while (booted.runtime.activeRequests() <= index) await yieldToLoop()
      await booted.reload(config)
      await expect(fetch(`http://127.0.0.1:${port}/text`)).rejects.toThrow()
    }
    for (const gate of ['0', '1']) gates.get(gate)!.resolve()
    expect(await Promise.all(answers.slice(0, 2))).toEqual(['stopping false', 'stopping false'])
    const stop = booted.stop()
    gates.get('2')!.resolve()
    expect(await answers[2]!).toBe('stopping true')
    await stop
  })

  const needRestart: [string, Record<string, unknown>][] = [
    ['workers', { server, workers: { maxThreads: 1 } }],
    ['environment', { server, environment: 'production' }],
    ['data', { server, data: '/elsewhere' }],
  ]
  for (const [section, config] of needRestart) {
    test(`refuses a reload that would change ${section}`, async () => {
      await using booted = await boot()
      await expect(booted.reload(config)).rejects.toMatchObject({
        code: 'RELOAD_NEEDS_RESTART',
        details: { sections: expect.stringContaining(section) },
      })
    })
  }

  test('refuses a second reload while one is under way', async () => {
    await using booted = await boot()
    const first = booted.runtime.reload()
    await expect(booted.runtime.reload()).rejects.toMatchObject({ code: 'RELOAD_BUSY' })
    await first
  })

  test('runs nothing where its port is taken, and names the port', async () => {
    using taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('mine') })
    await expect(boot({ server: { ...server, port: taken.port } })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(`127.0.0.1:${taken.port}`),
    })
  })

  test('has a command for status, plan, reload, pause, resume and config', async () => {
    await using booted = await boot()
    const commands = booted.runtime.commands()
    await commands.get('pause')!.run({})
    expect(await commands.get('status')!.run({})).toMatchObject({ paused: true })
    await commands.get('resume')!.run({})
    expect(await commands.get('status')!.run({})).toMatchObject({ paused: false })
    expect(await commands.get('plan')!.run({})).toEqual([
      { plugin: 'web', action: 'untouched', reason: 'same config', state: 'kept' },
    ])
    expect(await commands.get('config')!.run({})).toMatchObject({ config: { plugins: { web: { text: 'one' } } } })
    await commands.get('reload')!.run({})
    expect(booted.runtime.status().generation).toBe(2)
  })

  test('has no service that nobody provides', async () => {
    await using booted = await boot()
    expect(() => booted.runtime.service({ kind: 'service', id: 'gone' })).toThrow(
      expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }),
    )
    expect(booted.runtime.service(Runtime).status().ready).toBe(true)
  })
})

describe('the event loop service', () => {
  test('measures the delay and carries an announced stall', async () => {
    await using booted = await testRuntime({ plugins: [web] })
    const eventLoop = booted.runtime.service(EventLoop)
    expect(eventLoop.delay().maxMs).toBe(0)
    await booted.clock.advance(1_000)
    expect(eventLoop.delay().maxMs).toBeGreaterThan(0)
    const end = eventLoop.announcePause(1_000, 'a snapshot')
    expect(eventLoop.pauseReason).toBe('a snapshot')
    end()
    expect(eventLoop.pauseReason).toBeUndefined()
  })
})

test('a stop at any moment of a reload that moves the listener leaves no port open', async () => {
  for (let turns = 0; turns < 8; turns += 1) {
    const port = freePort()
    const at = await testRuntime({ config: { server: { port: freePort() } } })
    const reload = at.reload({ server: { port } }).catch(({ code }) => code)
    for (let turn = 0; turn < turns; turn += 1) await yieldToLoop()
    await at.stop()
    await reload
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
  }
})
