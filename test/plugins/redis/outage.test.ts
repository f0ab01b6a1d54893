import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { systemClock } from '../../../core/process/clock.ts'
import { blackHole } from '../../support/black-hole.ts'
import { type Instance, privateRedis } from '../../support/services.ts'
import { open, until } from './support.ts'

// Servers are killed and stopped under load, in real time.
setDefaultTimeout(60_000)

let server: Instance
beforeAll(async () => {
  server = await privateRedis()
})
afterAll(() => server.stop())

const typed = ['REDIS_UNAVAILABLE', 'REDIS_TIMEOUT', 'REDIS_QUEUE_FULL']
const timeoutMs = 200

type Opened = Awaited<ReturnType<typeof open>>

/** Sixteen callers that write and read their own keys while something happens. */
async function underLoad({ connections }: Opened, during: () => Promise<unknown>) {
  const seen = { ok: 0, failed: 0, wrong: [] as unknown[], untyped: [] as unknown[], longestMs: 0 }
  let running = true
  const caller = async (lane: number) => {
    for (let turn = 0; running; turn += 1) {
      const startedMs = systemClock.monotonic()
      const value = `${lane}:${turn}`
      try {
        await connections.call('SET', `lane:${lane}`, value)
        const got = await connections.call('GET', `lane:${lane}`)
        // A server without a disk may have forgotten; it never has another's, or an older one.
        if (got !== value && got !== null) seen.wrong.push([value, got])
        seen.ok += 1
      } catch (thrown) {
        const { code } = thrown as { code?: string }
        if (code === undefined || !typed.includes(code)) seen.untyped.push(thrown)
        seen.failed += 1
      }
      seen.longestMs = Math.max(seen.longestMs, systemClock.monotonic() - startedMs)
      await systemClock.sleep(2)
    }
  }
  const callers = Array.from({ length: 16 }, (_, lane) => caller(lane))
  await during()
  const failedBefore = seen.failed
  await systemClock.sleep(300)
  const failedAfter = seen.failed - failedBefore
  running = false
  await Promise.all(callers)
  return { ...seen, failedAfter }
}

function expectSound(seen: Awaited<ReturnType<typeof underLoad>>, { connections }: Opened) {
  expect(seen.wrong).toEqual([])
  expect(seen.untyped).toEqual([])
  expect(seen.ok).toBeGreaterThan(100)
  expect(seen.failed).toBeGreaterThan(0)
  // Two commands in one turn, each bounded by the timeout.
  expect(seen.longestMs).toBeLessThan(2 * timeoutMs + 200)
  expect(seen.failedAfter).toBe(0)
  expect(connections.stats()).toMatchObject({ state: 'ready', queued: 0 })
}

const isReady =
  ({ connections }: Opened) =>
  () =>
    connections.stats().state === 'ready'

/** Sends the signal, and the opposite one at the end. */
async function hanging(server: Instance, during: () => Promise<unknown>) {
  process.kill(server.pid, 'SIGSTOP')
  try {
    await during()
  } finally {
    process.kill(server.pid, 'SIGCONT')
  }
}

describe('a server that hangs', () => {
  const saysSo = (reason: string | undefined) => /^the server did not answer/.test(reason ?? '')
  const quiet = { keepAlive: '100ms', connectTimeout: '300ms', failures: 2 }

  test('is noticed without commands, and every reason says that it did not answer', async () => {
    using redis = await open(server.url, quiet)
    await until(isReady(redis))
    const from = redis.states.length
    await hanging(server, async () => {
      await until(() => redis.connections.stats().state === 'open')
      // Connections are made again meanwhile, and are not answered either.
      await systemClock.sleep(1_500)
    })
    await until(isReady(redis))
    const reasons = redis.states.slice(from).filter((reason) => reason !== undefined)
    expect(reasons.length).toBeGreaterThan(2)
    expect(reasons.filter((reason) => !saysSo(reason))).toEqual([])
    await until(() => redis.states.at(-1) === undefined)
  })

  test('at the first connection is a server that did not answer, too', async () => {
    await hanging(server, async () => {
      using redis = await open(server.url, quiet)
      await until(() => redis.states.length > 0)
      await systemClock.sleep(500)
      expect(redis.states.filter((reason) => !saysSo(reason))).toEqual([])
    })
  })
})

describe('redis under load', () => {
  test('killed and started again', async () => {
    using redis = await open(server.url)
    const seen = await underLoad(redis, async () => {
      await systemClock.sleep(300)
      await server.kill9()
      await systemClock.sleep(500)
      await server.restart()
      await until(isReady(redis))
    })
    expectSound(seen, redis)
  })

  test('standing still, then going on', async () => {
    using redis = await open(server.url)
    const seen = await underLoad(redis, async () => {
      await systemClock.sleep(300)
      process.kill(server.pid, 'SIGSTOP')
      await systemClock.sleep(800)
      expect(redis.connections.stats().state).toBe('open')
      process.kill(server.pid, 'SIGCONT')
      await until(isReady(redis))
    })
    expectSound(seen, redis)
    // The breaker: while it was open nearly everybody was refused at once, and few waited.
    expect(redis.connections.stats().timeouts).toBeLessThan(100)
  })

  test('sockets that accept and never answer again: it makes others by itself', async () => {
    const hole = await blackHole(server.port)
    {
      using redis = await open(`redis://127.0.0.1:${hole.port}/0`, { keepAlive: '300ms', connectTimeout: '300ms' })
      const messages: string[] = []
      let subscribed = 0
      redis.connections.onSubscribed(() => {
        subscribed += 1
      })
      redis.connections.subscribe('news', (message) => messages.push(message))
      await until(() => subscribed === 1)
      const seen = await underLoad(redis, async () => {
        await systemClock.sleep(300)
        hole.swallows = true
        await systemClock.sleep(1_500)
        hole.swallows = false
        await until(isReady(redis))
      })
      expectSound(seen, redis)
      // The connection for messages noticed by itself, with nobody asking.
      await until(() => subscribed >= 2)
      await redis.connections.call('PUBLISH', 'news', 'heard')
      await until(() => messages.includes('heard'))
      redis.connections.stop()
    }
    hole.close()
  })
})
