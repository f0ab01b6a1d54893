import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { CacheConfig } from '../../../plugins/cache/config.ts'
import { advise, Ghosts } from '../../../plugins/cache/memory/ghosts.ts'
import { S3Fifo } from '../../../plugins/cache/memory/s3-fifo.ts'
import { memoryCache } from './support.ts'
import { type Shape, trace } from './traces.ts'

// Long traces are played.
setDefaultTimeout(300_000)

const isProof = process.env.ARKWATCH_PROOF === '1'
const lookups = isProof ? 150_000 : 40_000
/** Share of a percentage point scale: the ghosts may be off by two points. */
const tolerance = 0.02

async function play(shape: Shape, maxEntries: number, { seed = 1, ttlMs = 1e9, stepMs = 0 } = {}) {
  const { cache, clock } = memoryCache({ maxEntries, maxSize: '1GiB', ttl: `${ttlMs}ms`, advice: true })
  let turn = 0
  for (const key of trace(shape, lookups, 20_000, seed)) {
    await cache.getOrSet(key, () => 1)
    turn += 1
    if (stepMs > 0 && turn % 1_000 === 0) await clock.advance(stepMs)
  }
  const stats = cache.stats()
  return { ...stats, ghost: stats.ghost!, ratio: stats.hit_rate / 100 }
}

describe('the ghosts', () => {
  test('exist only with `advice`, which a reload may change', async () => {
    const { cache } = memoryCache({ maxEntries: 100 })
    await cache.set('k', 1)
    expect(cache.memory.ghosts).toBeUndefined()
    expect(cache.memory.find('k', 0)!.sampled).toBe(false)
    expect(cache.stats()).toMatchObject({ ghost: undefined, advice: undefined })
    await cache.configure(CacheConfig.parse({ maxEntries: 100, advice: true }))
    await cache.getOrSet('k', () => 2)
    await cache.getOrSet('k', () => 2)
    expect(cache.memory.ghosts!.size).toBe(7)
    expect(cache.stats().ghost!.same).toBeGreaterThan(0)
    await cache.configure(CacheConfig.parse({ maxEntries: 100 }))
    expect(cache.memory.ghosts).toBeUndefined()
    expect(await cache.get<number>('k')).toBe(1)
  })

  for (const shape of ['zipf', 'scan', 'drift'] as const) {
    test(`tell the hit ratio of another size within two points: ${shape}`, async () => {
      const seeds = isProof ? [1, 2] : [1]
      for (const seed of seeds) {
        const size = 2_000
        const real = await play(shape, size, { seed })
        const [half, double, quadruple] = await Promise.all(
          [0.5, 2, 4].map((factor) => play(shape, size * factor, { seed })),
        )
        const { ghost } = real
        for (const [name, told, seen] of [
          ['same', ghost.same, real.ratio],
          ['half', ghost.half, half!.ratio],
          ['double', ghost.double, double!.ratio],
          ['quadruple', ghost.quadruple, quadruple!.ratio],
        ] as const)
          expect({ shape, seed, name, told, seen, isNear: Math.abs(told - seen) <= tolerance }).toMatchObject({
            isNear: true,
          })
        expect(half!.ratio).toBeLessThan(quadruple!.ratio - 0.05)
      }
    })
  }

  test('tell the hit ratio of other times to live within two points', async () => {
    const run = (factor: number) => play('zipf', 4_000, { ttlMs: 10_000 * factor, stepMs: 1_000 })
    const real = await run(1)
    for (const [told, factor] of [
      [real.ghost.ttl.half, 0.5],
      [real.ghost.ttl.double, 2],
      [real.ghost.ttl.quadruple, 4],
    ] as const) {
      const { ratio } = await run(factor)
      expect({ factor, told, ratio, isNear: Math.abs(told - ratio) <= tolerance }).toMatchObject({ isNear: true })
    }
    expect(real.ghost.ttl.half).toBeLessThan(real.ghost.ttl.double - 0.05)
  })

  test('watch a bounded sample, however large the cache', () => {
    expect(new Ghosts({ maxEntries: 100, maxBytes: 1e6 }).oneIn).toBe(1)
    expect(new Ghosts({ maxEntries: 10_000, maxBytes: 1e6 }).oneIn).toBe(16)
    const ghosts = new Ghosts({ maxEntries: 10_000_000, maxBytes: 1e12 })
    const times = { createdMs: 0, freshUntilMs: 1e15, staleUntilMs: 1e15 }
    for (let index = 0; index < 50_000; index += 1) ghosts.add(`k${index}`, 100, times)
    expect(ghosts.size).toBeLessThan(7 * 4 * 1_024)
  })

  test('forget what was invalidated', async () => {
    const { cache } = memoryCache({ maxEntries: 100, advice: true })
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < 100; index += 1) await cache.getOrSet(`${index}`, () => 1, { tags: ['t'] })
      if (round === 0) await cache.invalidateTag('t')
    }
    expect(cache.stats().ghost!.quadruple).toBe(0)
    await cache.clear()
    for (let index = 0; index < 100; index += 1) await cache.getOrSet(`${index}`, () => 1)
    expect(cache.stats().ghost!.quadruple).toBe(0)
  })
})

test('advice names the cheapest change that is worth it', () => {
  const ttl = { half: 0.5, double: 0.5, quadruple: 0.5 }
  const flat = { same: 0.5, half: 0.45, double: 0.51, quadruple: 0.52, ttl }
  expect(advise(flat, 100_000)).toBeUndefined()
  expect(advise({ ...flat, double: 0.6 }, 100)).toBeUndefined()
  expect(advise({ ...flat, double: 0.6 }, 100_000)).toBe('twice the entries: hits in memory 50 % -> 60 %')
  expect(advise({ ...flat, quadruple: 0.6 }, 100_000)).toMatch(/^four times the entries/)
  expect(advise({ ...flat, ttl: { ...ttl, double: 0.6 } }, 100_000)).toMatch(/^twice the time to live/)
  expect(advise({ ...flat, ttl: { ...ttl, quadruple: 0.6 } }, 100_000)).toMatch(/^four times the time to live/)
  expect(advise({ ...flat, half: 0.499 }, 100_000)).toMatch(/^half the entries would do/)
})

describe('the eviction policy', () => {
  const item = (key: string, bytes = 1) => ({
    key,
    bytes,
    uses: 0,
    inMain: false,
    previous: undefined,
    next: undefined,
  })
  const play = (shape: Shape, maxEntries: number) => {
    const tier = new S3Fifo<ReturnType<typeof item>>({ maxEntries, maxBytes: Number.POSITIVE_INFINITY })
    let hits = 0
    for (const key of trace(shape, 300_000)) {
      if (tier.get(key) === undefined) tier.set(item(key))
      else hits += 1
    }
    return (100 * hits) / 300_000
  }

  test('keeps its hit ratio on published trace shapes', () => {
    expect(play('zipf', 1_000)).toBeGreaterThan(30.8)
    expect(play('scan', 1_000)).toBeGreaterThan(20.5)
    expect(play('drift', 1_000)).toBeGreaterThan(57)
  })

  test('a scan does not drive out what is used', () => {
    const tier = new S3Fifo<ReturnType<typeof item>>({ maxEntries: 100, maxBytes: 1e9 })
    for (let index = 0; index < 50; index += 1) tier.set(item(`used${index}`))
    for (let index = 0; index < 50; index += 1) tier.get(`used${index}`)
    for (let index = 0; index < 10_000; index += 1) tier.set(item(`once${index}`))
    for (let index = 0; index < 50; index += 1) expect(tier.peek(`used${index}`)).toBeDefined()
    expect(tier.size).toBe(100)
  })

  test('what ran out of time comes back to where it stood, what is new begins in the small queue', () => {
    const tier = new S3Fifo<ReturnType<typeof item>>({ maxEntries: 100, maxBytes: 1e9 })
    const [old, fresh] = [item('old'), item('fresh')]
    tier.set(item('old'))
    tier.get('old')
    for (let index = 0; index < 200; index += 1) tier.set(item(`once${index}`))
    expect(tier.peek('old')!.inMain).toBe(true)
    tier.delete('old', true)
    tier.set(old)
    tier.set(fresh)
    expect([old.inMain, fresh.inMain]).toEqual([true, false])
    tier.delete('old')
    tier.set(item('old'))
    expect(tier.peek('old')!.inMain).toBe(false)
  })

  test('counts entries and bytes right through any use, and says which limit evicted', () => {
    const causes: string[] = []
    const tier = new S3Fifo<ReturnType<typeof item>>({ maxEntries: 20, maxBytes: 100 }, (_, cause) =>
      causes.push(cause),
    )
    let turn = 0
    for (const key of trace('zipf', 20_000, 60)) {
      turn += 1
      if (turn % 7 === 0) tier.delete(key, turn % 2 === 0)
      else if (tier.get(key) === undefined) tier.set(item(key, (turn % 12) + 1))
      const held = [...tier.values()]
      expect(tier.size).toBe(held.length)
      expect(tier.size).toBeLessThanOrEqual(20)
      expect(tier.bytes).toBe(held.reduce((sum, { bytes }) => sum + bytes, 0))
      expect(tier.bytes).toBeLessThanOrEqual(100)
    }
    expect(new Set(causes)).toEqual(new Set(['bytes', 'entries']))
    tier.set(item('k', 5))
    expect(tier.set(item('k', 101))).toBe(false)
    expect(tier.peek('k')).toBeUndefined()
  })
})
