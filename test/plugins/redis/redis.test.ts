import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createServer, type Server } from 'node:net'
import { systemClock } from '../../../core/process/clock.ts'
import { RedisConfig } from '../../../plugins/redis/config.ts'
import { connector } from '../../../plugins/redis/connect.ts'
import redis from '../../../plugins/redis/index.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'
import { freePort, type Instance, privateRedis } from '../../support/services.ts'
import { codeOf, open, until } from './support.ts'

// Servers are started, killed and waited for: real time.
setDefaultTimeout(30_000)
pluginContract(redis, { config: { url: 'redis://:hidden@127.0.0.1:1' } })

let server: Instance
beforeAll(async () => {
  server = await privateRedis()
})
afterAll(() => server.stop())

describe('redis', () => {
  test('runs commands, those before the connection is made too, and gives bytes as they are', async () => {
    using redis = await open(server.url)
    const { connections } = redis
    expect(await connections.call('SET', 'a', new Uint8Array([0, 255, 128]))).toBe('OK')
    expect([...(await connections.callBytes<Uint8Array>('GET', 'a'))]).toEqual([0, 255, 128])
    expect(await codeOf(connections.call('NOSUCH'))).toBe('REDIS_COMMAND_FAILED')
    expect((await connections.info('memory')).get('used_memory')).toMatch(/^\d+$/)
    expect(connections.stats()).toMatchObject({ state: 'ready', refused: 1, pending: 0, queued: 0 })
  })

  test('blocks on a connection of its own, one command after another', async () => {
    using redis = await open(server.url)
    const { connections } = redis
    const first = connections.blocking<string[]>(5_000, 'BLPOP', 'list', 5)
    const second = connections.blocking<string[]>(5_000, 'BLPOP', 'list', 5)
    await connections.call('RPUSH', 'list', 'x', 'y')
    expect(await Promise.all([first, second])).toEqual([
      ['list', 'x'],
      ['list', 'y'],
    ])
  })

  test('delivers messages again after the server was killed and started again', async () => {
    using redis = await open(server.url)
    const { connections, states } = redis
    const seen: string[] = []
    let subscribed = 0
    connections.onSubscribed(() => {
      subscribed += 1
    })
    connections.subscribe('news', () => {
      throw new Error('a fault of the listener')
    })
    connections.subscribe('news', (message) => seen.push(message))
    await until(() => subscribed === 1)
    await connections.call('PUBLISH', 'news', 'one')
    await until(() => seen.length === 1)
    await server.kill9()
    await until(() => connections.stats().state === 'down')
    const startedMs = systemClock.monotonic()
    expect(await codeOf(connections.call('PING'))).toBe('REDIS_UNAVAILABLE')
    expect(systemClock.monotonic() - startedMs).toBeLessThan(150)
    await server.restart()
    await until(() => subscribed === 2 && connections.stats().state === 'ready')
    await connections.call('PUBLISH', 'news', 'two')
    await until(() => seen.length === 2)
    expect(seen).toEqual(['one', 'two'])
    expect(states.at(-1)).toBeUndefined()
    expect(connections.stats().reconnects).toBeGreaterThan(0)
  })

  test('a server that stands still costs each of the first commands one timeout, the others nothing', async () => {
    using redis = await open(server.url)
    const { connections } = redis
    await connections.call('PING')
    process.kill(server.pid, 'SIGSTOP')
    try {
      expect(await Promise.all([1, 2, 3].map(() => codeOf(connections.call('PING'))))).toEqual(
        Array(3).fill('REDIS_TIMEOUT'),
      )
      expect(connections.stats()).toMatchObject({ state: 'open', timeouts: 3, pending: 0 })
      expect(await codeOf(connections.call('PING'))).toBe('REDIS_UNAVAILABLE')
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
    await until(async () => (await codeOf(connections.call('PING'))) === 'ok')
    expect(connections.stats().state).toBe('ready')
  })

  test('commands that wait for an answer are bounded', async () => {
    using redis = await open(server.url, { maxPending: 3, failures: 100 })
    const { connections } = redis
    await connections.call('PING')
    process.kill(server.pid, 'SIGSTOP')
    try {
      const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf(connections.call('PING'))))
      expect(codes.filter((code) => code === 'REDIS_QUEUE_FULL')).toHaveLength(5)
      expect(codes.filter((code) => code === 'REDIS_TIMEOUT')).toHaveLength(3)
      expect(connections.stats()).toMatchObject({ pending: 0, rejected: 5 })
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
  })

  test('a socket that accepts and never answers is a timeout, and the queue is bounded', async () => {
    const port = await freePort()
    const hole: Server = createServer(() => {}).listen(port, '127.0.0.1')
    {
      using redis = await open(`redis://127.0.0.1:${port}/0`, { maxQueue: 2, maxPending: 3 })
      const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf(redis.connections.call('PING'))))
      expect(codes.filter((code) => code === 'REDIS_QUEUE_FULL').length).toBeGreaterThanOrEqual(5)
      expect(codes).not.toContain('ok')
    }
    hole.close()
  })

  test('no server is a refusal, and says so without the password', async () => {
    using redis = await open(`redis://:hunter2@127.0.0.1:${await freePort()}/0`)
    const { connections, states } = redis
    expect(await codeOf(connections.call('PING'))).toBe('REDIS_UNAVAILABLE')
    await until(() => states.length > 0)
    expect(JSON.stringify(states)).not.toContain('hunter2')
    const missing = connector(RedisConfig.parse({}), () => Promise.reject(new Error('cannot find package')))
    expect(await codeOf(missing)).toBe('REDIS_PACKAGE_MISSING')
  })
})
