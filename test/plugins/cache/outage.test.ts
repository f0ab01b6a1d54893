import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { systemClock } from '../../../core/process/clock.ts'
import { blackHole } from '../../support/black-hole.ts'
import { type Instance, privateRedis } from '../../support/services.ts'
import { cacheNode, until } from './support.ts'

// Servers are killed and stopped in real time.
setDefaultTimeout(120_000)

let server: Instance
beforeAll(async () => {
  server = await privateRedis()
})
afterAll(() => server.stop())

/**
 * Asks in turns while something happens to Redis.
 *
 * @param during is given a wait for the next `count` answers
 * @returns the longest wait, and how many answers were wrong
 */
async function load(
  node: Awaited<ReturnType<typeof cacheNode>>,
  during: (answers: (count: number) => Promise<void>) => Promise<unknown>,
) {
  let running = true
  let longestMs = 0
  let wrong = 0
  let asked = 0
  const ask = async (lane: number) => {
    for (let turn = 0; running; turn += 1) {
      const key = `${lane}:${turn % 50}`
      const startedMs = systemClock.monotonic()
      const value = await node.cache.getOrSet(key, () => `value of ${key}`).catch(() => 'threw')
      longestMs = Math.max(longestMs, systemClock.monotonic() - startedMs)
      asked += 1
      if (value !== `value of ${key}`) wrong += 1
      if (turn % 10 === 0) await node.cache.delete(key)
      await systemClock.sleep(1)
    }
  }
  const lanes = Array.from({ length: 20 }, (_, lane) => ask(lane))
  const answers = (count: number, from = asked) => until(() => asked >= from + count)
  await during(answers)
  running = false
  await Promise.all(lanes)
  return { longestMs, wrong }
}

describe('the cache while Redis is away', () => {
  test('killed under load: every answer is right, memory goes on, and what was invalidated is sent later', async () => {
    using node = await cacheNode(server.url)
    using other = await cacheNode(server.url)
    const { wrong } = await load(node, async (answers) => {
      await answers(400)
      await server.kill9()
      await until(() => node.cache.stats().redis_up === false)
      await answers(400)
      await server.restart()
      await until(() => node.cache.stats().redis_up === true && node.cache.stats().bus_generation > 1)
      await answers(200)
    })
    expect(wrong).toBe(0)
    await until(() => node.cache.stats().bus_waiting === 0)
    await until(() => other.cache.stats().bus_generation > 1 && other.cache.stats().redis_up === true)
    await node.cache.set('after', 1)
    expect(await other.cache.get<number>('after')).toBe(1)
  })

  test('standing still under load: each waits one command timeout once, then none waits', async () => {
    using node = await cacheNode(server.url, { redis: { commandTimeout: '2s' } })
    let stoppedMs = 0
    const { wrong, longestMs } = await load(node, async (answers) => {
      await answers(200)
      process.kill(server.pid, 'SIGSTOP')
      await until(() => node.cache.stats().redis_up === false)
      // Requests that were in progress have had their timeout.
      await systemClock.sleep(2_100)
      const startedMs = systemClock.monotonic()
      for (let turn = 0; turn < 200; turn += 1) {
        await node.cache.getOrSet(`quick:${turn}`, () => turn)
        if (turn % 20 === 0) await systemClock.sleep(20)
      }
      stoppedMs = systemClock.monotonic() - startedMs
      process.kill(server.pid, 'SIGCONT')
    })
    expect(wrong).toBe(0)
    // One timeout, never two; then none. A second timeout is the slack of a loaded machine.
    expect(longestMs).toBeLessThan(3_900)
    expect(stoppedMs).toBeLessThan(1_900)
    await until(() => node.cache.stats().redis_up === true)
  })

  test('sockets that accept and never answer: loads go on, nothing wrong is returned, and it comes back', async () => {
    const hole = await blackHole(server.port)
    {
      using node = await cacheNode(`redis://127.0.0.1:${hole.port}/0`, {
        redis: { commandTimeout: '1s', keepAlive: '500ms', connectTimeout: '1s' },
      })
      const { wrong, longestMs } = await load(node, async (answers) => {
        await answers(200)
        hole.swallows = true
        await until(() => node.cache.stats().redis_up === false)
        await answers(400)
        hole.swallows = false
      })
      expect(wrong).toBe(0)
      // As above.
      expect(longestMs).toBeLessThan(1_900)
      await until(() => node.cache.stats().redis_up === true && node.cache.stats().bus_generation > 1)
    }
    hole.close()
  })

  test('a value that was set while Redis was away wins over the old one that is still there', async () => {
    using node = await cacheNode(server.url, { redis: { commandTimeout: '300ms', reconnectMax: '50ms' } })
    await node.cache.set('k', 'old')
    process.kill(server.pid, 'SIGSTOP')
    await node.cache.set('k', 'new')
    expect(node.cache.stats()).toMatchObject({ redis_up: false, bus_waiting: 1 })
    process.kill(server.pid, 'SIGCONT')
    // As if memory had been too small: only Redis can answer, and must not with the old value.
    node.cache.memory.deleteAll()
    const seen = new Set<unknown>()
    await until(async () => {
      seen.add(await node.cache.get('k'))
      return node.cache.stats().bus_waiting === 0
    })
    expect(await node.cache.get('k')).toBeUndefined()
    expect(seen.has('old')).toBe(false)
  })

  test('invalidations that wait are bounded, and folded into one of everything', async () => {
    using node = await cacheNode(server.url, { cache: { maxRetries: 10 }, redis: { commandTimeout: '300ms' } })
    await node.cache.set('k', 1)
    process.kill(server.pid, 'SIGSTOP')
    await node.cache.delete('first')
    for (let index = 0; index < 10; index += 1) await node.cache.delete(`${index}`)
    expect(node.cache.stats()).toMatchObject({ bus_waiting: 1, bus_dropped: 11 })
    process.kill(server.pid, 'SIGCONT')
    await until(() => node.cache.stats().bus_waiting === 0)
    expect(await node.redis.call('EXISTS', 'arkwatch:cache:k:k')).toBe(0)
  })
})
