/** Values that a broken or hostile plugin may throw, return or contribute. */

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
}

export const fail = (value: unknown): never => {
  throw value
}
