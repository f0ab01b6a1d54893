/** A plugin that is broken or hostile, and the values that it may throw, return or contribute. */
import { runInNewContext } from 'node:vm'
import { type AnyPlugin, definePlugin, type PluginContext, z } from '../../core/plugin.ts'

export type Context = PluginContext<{ n: number }, Record<never, never>, Record<never, never>>

/** @param setup may return anything @param more fields of the definition */
export const plugin = (name: string, setup: (context: Context) => unknown, more: object = {}) =>
  definePlugin({
    api: 1,
    name,
    version: '1.0.0',
    summary: 'A test.',
    config: z.strictObject({ n: z.number().default(0).describe('A number.') }),
    setup: setup as never,
    ...more,
  }) as AnyPlugin

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const refusing = () =>
  new Proxy(
    {},
    new Proxy(
      {},
      {
        get: (_, trap) => () => {
          throw new Error(`the trap ${String(trap)}`)
        },
      },
    ),
  )

const mute = () =>
  Object.defineProperty(new Error('mute'), 'message', {
    get() {
      throw Object.create(null)
    },
  })

/** An object that is awaited as a promise is. @param then @default never settles */
export const thenable = (then: (done: () => void, failed: (error: unknown) => void) => void = () => {}) =>
  Object.fromEntries([['then', then]])

/** What never settles. */
export const endlessValues: Readonly<Record<string, () => unknown>> = {
  'a promise that never settles': () => new Promise(() => {}),
  'a thenable that never settles': () => thenable(),
}

/** Each call makes a new value. */
export const hostileValues: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  'a number': () => 5,
  'a text': () => 'text',
  'a symbol': () => Symbol('mark'),
  'an object without a prototype': () => Object.create(null),
  'a revoked proxy': revoked,
  'a proxy that refuses everything': refusing,
  'an error whose message throws': mute,
  'a promise that rejects': () => Promise.reject(mute()),
  'a promise of another realm that rejects': () => runInNewContext('Promise.reject(new Error("of another realm"))'),
  'a thenable that rejects': () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable
    then: (_: unknown, rejected: (error: unknown) => void) => rejected(mute()),
  }),
}

export const fail = (value: unknown): never => {
  throw value
}
