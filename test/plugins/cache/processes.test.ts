import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { systemClock } from '../../../core/process/clock.ts'
import type { CacheStats } from '../../../plugins/cache/api.ts'
import { RedisConfig } from '../../../plugins/redis/config.ts'
import { connector } from '../../../plugins/redis/connect.ts'
import { RedisConnections } from '../../../plugins/redis/engine.ts'
import { type Instance, privateRedis } from '../../support/services.ts'
import type { Order, Read } from './fixtures/node.ts'
import { silent } from './support.ts'

// Processes and a server run in real time.
setDefaultTimeout(120_000)

const isProof = process.env.ARKWATCH_PROOF === '1'
/** The bound that the README states. */
const boundMs = 250

let server: Instance
let redis: RedisConnections
beforeAll(async () => {
  server = await privateRedis()
  const config = RedisConfig.parse({ url: server.url })
  redis = new RedisConnections({ config, clock: systemClock, log: silent, connector, onState: () => {} })
  await redis.start()
})
afterAll(async () => {
  redis.stop()
  await server.stop()
})

/** Starts a process and waits until it has joined the bus. */
async function start(options: Record<string, unknown> = {}) {
  const answers = new Map<number, (answer: never) => void>()
  let nextId = 1
  const ready = Promise.withResolvers<void>()
  const child = Bun.spawn(
    [process.execPath, `${import.meta.dir}/fixtures/node.ts`, server.url, JSON.stringify(options)],
    {
      stdout: 'inherit',
      stderr: 'inherit',
      ipc({ id, answer }: { id: number; answer: never }) {
        if (id === 0) ready.resolve()
        answers.get(id)?.(answer)
        answers.delete(id)
      },
    },
  )
  await ready.promise
  const order = <T>(what: Omit<Order, 'id'>): Promise<T> => {
    const id = nextId++
    child.send({ id, ...what })
    return new Promise((resolve) => answers.set(id, resolve as (answer: never) => void))
  }
  const end = async () => {
    child.kill('SIGKILL')
    await child.exited
  }
  return { order, end, [Symbol.asyncDispose]: end }
}

describe('three processes', () => {
  test(`give no stale value later than ${boundMs} ms after an invalidation was acknowledged`, async () => {
    await using writer = await start()
    await using one = await start()
    await using two = await start()
    await redis.call('SET', 'source', 0)
    const acknowledged: Read[] = []
    for (const reader of [one, two]) await reader.order({ do: 'read', key: 'k', loadMs: 20 })
    const rounds = isProof ? 390 : 60
    // One way after the other, so that none does another's work.
    const ways = [{ key: 'k' }, { tag: 'source' }, { pattern: 'k*' }]
    for (let version = 1; version <= rounds; version += 1) {
      await redis.call('SET', 'source', version)
      const way = ways[Math.floor(((version - 1) / rounds) * ways.length)]!
      acknowledged.push([await writer.order<number>({ do: 'invalidate', ...way }), version])
      await systemClock.sleep(Math.random() * 60)
      if (version % (rounds / ways.length) === 0) await systemClock.sleep(boundMs + 100)
    }
    await systemClock.sleep(boundMs + 100)
    const reads = (await Promise.all([one, two].map((reader) => reader.order<Read[]>({ do: 'stop' })))).flat()
    expect(reads.length).toBeGreaterThan(rounds * 5)
    let checked = 0
    for (const [atMs, version] of reads) {
      const due = acknowledged.findLast(([ackMs]) => ackMs + boundMs < atMs)?.[1] ?? 0
      if (due > 0) checked += 1
      if (version < due) expect({ atMs, version }).toEqual({ atMs, version: due })
    }
    expect(checked).toBeGreaterThan(100)
    expect(reads.at(-1)![1]).toBe(rounds)
    // Loads were shared: far fewer than look-ups.
    const { loads, hits } = await one.order<CacheStats>({ do: 'stats' })
    expect(hits).toBeGreaterThan(loads)
  })

  test('agree again by themselves after Redis was killed, with what was invalidated meanwhile', async () => {
    await using writer = await start()
    await using one = await start()
    await using two = await start()
    await redis.call('SET', 'source', 1)
    for (const reader of [one, two]) await reader.order({ do: 'read', key: 'killed', loadMs: 5 })
    await systemClock.sleep(200)
    await server.kill9()
    await writer.order({ do: 'invalidate', key: 'killed' })
    expect((await writer.order<CacheStats>({ do: 'stats' })).bus_waiting).toBeGreaterThan(0)
    await systemClock.sleep(300)
    await server.restart()
    const changed = async () =>
      redis.call('SET', 'source', 2).then(
        () => true,
        () => false,
      )
    while (!(await changed())) await systemClock.sleep(20)
    const rejoined = async () => {
      const all = await Promise.all([writer, one, two].map((node) => node.order<CacheStats>({ do: 'stats' })))
      return all.every((stats) => stats.bus_generation > 1 && stats.bus_waiting === 0 && stats.redis_up)
    }
    while (!(await rejoined())) await systemClock.sleep(20)
    await writer.order({ do: 'invalidate', tag: 'source' })
    await systemClock.sleep(boundMs + 100)
    for (const reader of [one, two]) {
      const reads = await reader.order<Read[]>({ do: 'stop' })
      expect(reads.at(-1)![1]).toBe(2)
    }
  })
})

describe('the lock across processes', () => {
  test('five processes that ask at one time load once, and all get that value', async () => {
    const nodes = await Promise.all(Array.from({ length: 5 }, () => start()))
    const got = await Promise.all(
      nodes.map((node) => node.order<number>({ do: 'load', key: 'once', lock: true, loadMs: 300 })),
    )
    expect(got).toEqual([1, 1, 1, 1, 1])
    expect(await redis.call<string>('GET', 'loads:once')).toBe('1')
    const stats = await Promise.all(nodes.map((node) => node.order<CacheStats>({ do: 'stats' })))
    expect(stats.reduce((sum, { loads }) => sum + loads, 0)).toBe(1)
    expect(stats.reduce((sum, { lock_avoided }) => sum + lock_avoided, 0)).toBe(4)
    // Without the lock each loads for itself.
    const apart = await Promise.all(nodes.map((node) => node.order<number>({ do: 'load', key: 'each', loadMs: 300 })))
    expect(new Set(apart).size).toBe(5)
    for (const node of nodes) await node.end()
  })

  test('a holder that is killed holds the others for `lockHold` at most', async () => {
    await using holder = await start({ lockHold: '500ms' })
    await using other = await start({ lockHold: '500ms' })
    void holder.order({ do: 'load', key: 'dead', lock: true, loadMs: 60_000 })
    while ((await redis.call('GET', 'loads:dead')) === null) await systemClock.sleep(5)
    await holder.end()
    const startedMs = systemClock.monotonic()
    expect(await other.order<number>({ do: 'load', key: 'dead', lock: true })).toBe(2)
    expect(systemClock.monotonic() - startedMs).toBeLessThan(2_000)
  })
})
