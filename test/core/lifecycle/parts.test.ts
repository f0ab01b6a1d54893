import { describe, expect, test } from 'bun:test'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Hono } from 'hono'
import { controlCommand, definePlugin, type PluginContext, type RequestHooks, z } from '../../../core/plugin.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'

type Setup = (context: PluginContext<{ text: string }, Record<never, never>, Record<never, never>>) => object

const plugin = (setup: Setup, name = 'mine') =>
  definePlugin({
    api: 1,
    name,
    version: '1.0.0',
    summary: 'A test.',
    config: z.strictObject({ text: z.string().default('one') }),
    setup: setup as never,
  })
const stateOf = ({ runtime }: Awaited<ReturnType<typeof testRuntime>>) => {
  const { state, reason } = runtime.status().plugins[0]!
  return `${state}: ${reason}`
}

describe('what setup returns', () => {
  test.each<[string, Setup, string]>([
    ['a promise', async () => ({}), 'setup returned a promise: setup is synchronous'],
    ['nothing', () => undefined as never, 'setup returned undefined'],
    ['a text', () => 'parts' as never, 'setup returned "parts"'],
    ['a misspelt part', () => ({ contribute: [] }), 'unknown part "contribute": did you mean "contributes"?'],
    ['a misspelt hook', () => ({ hook: {} }), 'unknown part "hook": did you mean "hooks"?'],
    ['a hook of no name', () => ({ hooks: { onReqest: () => undefined } }), 'unknown hook "onReqest": did you mean'],
    [
      'a hook that is no function',
      () => ({ hooks: { observe: 5 } }),
      '5 (number) as the hook observe: expected a function',
    ],
    ['routes that are not Hono', () => ({ routes: {} }), 'setup returned a map as routes: expected a Hono application'],
    [
      'routes that are awaited by nobody',
      () => ({ routes: Promise.reject(new Error()) }),
      'as routes: expected a Hono',
    ],
    ['a function as routes', () => ({ routes: () => new Response() }), 'a function as routes'],
    [
      'a point that is not called',
      () => ({ contributes: [controlCommand] }),
      'the extension point core.controlCommand itself',
    ],
    [
      'a contribution by hand',
      () => ({ contributes: [{ value: 1 }] }),
      'a map was contributed: call an extension point',
    ],
    ['a part of nobody', () => ({ xyzzy: 1 }), 'unknown part "xyzzy": the parts are services, '],
  ])('is refused by name: %s', async (_, setup, what) => {
    await using booted = await testRuntime({ plugins: [plugin(setup)] })
    expect(stateOf(booted)).toContain('failed: plugin mine: ')
    expect(stateOf(booted)).toContain(what)
  })

  test('is PLUGIN_INVALID for a required plugin, with the cause', async () => {
    const booting = testRuntime({
      plugins: [plugin(async () => ({}))],
      config: { plugins: { mine: { required: true } } },
    })
    await expect(booting).rejects.toMatchObject({ cause: { code: 'PLUGIN_INVALID', details: { plugin: 'mine' } } })
  })

  test.each(['services', 'contributes', 'routes', 'hooks', 'start', 'ready', 'stop', 'reconfigure', 'handover'])(
    'may hold %s as undefined, as optional typing gives it',
    async (part) => {
      for (const absent of [undefined, null]) {
        await using booted = await testRuntime({ plugins: [plugin(() => ({ [part]: absent }))] })
        await booted.reload({ plugins: { mine: { text: 'two' } } })
        expect(stateOf(booted)).toBe('ok: ')
      }
    },
  )

  test('may be an instance of a class with fields', async () => {
    class Parts {
      count = 0
      start() {
        this.count += 1
      }
    }
    await using booted = await testRuntime({ plugins: [plugin(() => new Parts())] })
    expect(stateOf(booted)).toBe('ok: ')
  })
})

describe('what reconfigure returns', () => {
  const calls: string[] = []
  const routesOf = (text: string) => new Hono().get('/text', (c) => c.text(text))
  const hooksOf = (text: string): RequestHooks => ({ observe: () => void calls.push(text) })
  const web = plugin(({ config }) => ({
    routes: routesOf(config.text),
    hooks: hooksOf(config.text),
    reconfigure: async ({ text }: { text: string }) =>
      text === 'nothing'
        ? undefined
        : text === 'misspelt'
          ? { route: routesOf(text) }
          : { routes: routesOf(text), ...(text === 'two' && { hooks: hooksOf(text) }) },
  }))
  const bad = plugin(
    ({ config }) => ({
      start() {
        if (config.text === 'bad') throw new Error('cannot start')
      },
    }),
    'other',
  )
  const boot = () => testRuntime({ plugins: [web, bad] })
  const seen = async ({ fetch, runtime }: Awaited<ReturnType<typeof boot>>) => {
    calls.length = 0
    const text = await (await fetch('/text')).text()
    runtime.flushRequests()
    return `${text} ${calls.join()}`
  }
  const reload = (booted: Awaited<ReturnType<typeof boot>>, text: string, other = 'good') =>
    booted.reload({ plugins: { mine: { text }, other: { text: other } } })

  test('is in force from the swap, and a part that is left out stays', async () => {
    await using booted = await boot()
    expect(await seen(booted)).toBe('one one')
    await reload(booted, 'two')
    expect(await seen(booted)).toBe('two two')
    await reload(booted, 'three')
    expect(await seen(booted)).toBe('three two')
    await reload(booted, 'nothing')
    expect(await seen(booted)).toBe('three two')
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['no parts', {}],
  ])('leaves routes and hooks as they are where it is %s', async (_, returned) => {
    const stays = plugin(({ config }) => ({
      routes: routesOf(config.text),
      hooks: hooksOf(config.text),
      reconfigure: () => returned,
    }))
    await using booted = await testRuntime({ plugins: [stays, bad] })
    await reload(booted, 'two')
    expect(await seen(booted)).toBe('one one')
  })

  test.each<[string, unknown, readonly unknown[]]>([
    ['routes', { routes: undefined }, [404, 'one']],
    ['hooks', { hooks: undefined }, [200, '']],
    ['routes and hooks', { routes: null, hooks: null }, [404, '']],
  ])('takes away what it gives as undefined or null, as setup does: %s', async (_, returned, expected) => {
    const less = plugin(({ config }) => ({
      routes: routesOf(config.text),
      hooks: hooksOf(config.text),
      reconfigure: () => returned,
    }))
    await using booted = await testRuntime({ plugins: [less, bad] })
    await reload(booted, 'two')
    calls.length = 0
    const { status } = await booted.fetch('/text')
    booted.runtime.flushRequests()
    expect([status, calls.join()]).toEqual(expected as never)
  })

  test.each<[string, unknown]>([
    ['"parts"', 'parts'],
    ['""', ''],
    ['5 (number)', 5],
    ['false', false],
    ['a function', () => {}],
  ])('is refused by name where it is %s', async (shown, returned) => {
    const wrong = plugin(({ config }) => ({ routes: routesOf(config.text), reconfigure: () => returned }))
    await using booted = await testRuntime({ plugins: [wrong, bad] })
    await expect(reload(booted, 'two')).rejects.toThrow(`plugin mine: reconfigure returned ${shown}`)
    expect(await seen(booted)).toBe('one ')
  })

  test('is rolled back with the reload, also where reconfigure returns nothing the second time', async () => {
    await using booted = await boot()
    await reload(booted, 'two')
    await reload(booted, 'nothing')
    await expect(reload(booted, 'three', 'bad')).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
    expect(await seen(booted)).toBe('two two')
  })

  test('is refused by name where a part is unknown', async () => {
    await using booted = await boot()
    await expect(reload(booted, 'misspelt')).rejects.toThrow(
      'reconfigure returned the unknown part "route": did you mean "routes"?',
    )
    expect(await seen(booted)).toBe('one one')
  })
})

describe('the directory of a plugin', () => {
  test('is made for its owner alone by the first call', async () => {
    let directory = ''
    const before: boolean[] = []
    await using booted = await testRuntime({
      plugins: [
        plugin((context) => ({
          start() {
            before.push(existsSync(join(context.dataDir, 'mine')))
            directory = context.pluginDataDir()
          },
        })),
      ],
    })
    expect(stateOf(booted)).toBe('ok: ')
    expect(before).toEqual([false])
    expect(directory).toBe(join(booted.runtime.dataDir, 'mine'))
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  test('is refused in setup', async () => {
    await using booted = await testRuntime({
      plugins: [plugin((context) => ({ start: context.pluginDataDir() as never }))],
    })
    expect(stateOf(booted)).toContain('pluginDataDir() was called in setup, which opens nothing')
    expect(existsSync(join(booted.runtime.dataDir, 'mine'))).toBe(false)
  })
})

test.each([
  ['replaced', {}, {}],
  ['replaced, and exclusive', {}, { exclusive: true }],
  ['reconfigured', { reconfigure: ({ text }: { text: string }) => ({ hooks: counting(text) }) }, {}],
] as const)('a request over a reload ends with the hooks with which it began: %s', async (_, parts, more) => {
  open.clear()
  let during = () => {}
  const web = {
    ...plugin(({ config }) => ({ hooks: counting(config.text), start: () => during(), ...parts })),
    ...more,
  }
  await using booted = await testRuntime({ plugins: [web] })
  const gate = Promise.withResolvers<void>()
  const app = new Hono().get('/slow', () => gate.promise.then(() => new Response('slow'))).get('/', (c) => c.text(''))
  const fetch = booted.runtime.requestPath.wrapHono(app)
  const send = async (path: string) => void (await fetch(new Request(`http://localhost${path}`)))
  const slow = send('/slow')
  // The old instance answers until the swap, an exclusive one also once it has stopped.
  during = () => send('/') as never
  await booted.reload({ plugins: { mine: { text: 'two' } } })
  await send('/')
  gate.resolve()
  await slow
  expect(Object.fromEntries(open)).toEqual({ one: 0, two: 0 })
})

/** Requests in progress, as each config counts them. */
const open = new Map<string, number>()
const counting = (text: string): RequestHooks => {
  const add = (by: number) => void open.set(text, (open.get(text) ?? 0) + by)
  return { onRequest: () => add(1) as undefined, onResponse: () => add(-1) }
}
