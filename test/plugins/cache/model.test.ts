import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { memoryCache } from './support.ts'

const numRuns = process.env.ARKWATCH_PROOF === '1' ? 10_000 : 150

const key = fc.constantFrom('a', 'b', 'n:a', 'n:b', 'n:m:a', '__proto__', 'constructor')
const value = fc.constantFrom<unknown>(null, undefined, 0, 'x', 'y', { z: 1 })
const tags = fc.subarray(['t', 'u', '__proto__'])
const ms = fc.constantFrom(0, 1, 5, 20, 100)
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('set' as const), key, value, tags, ttlMs: ms, graceMs: ms }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('get' as const), key }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('getOrSet' as const),
      key,
      value,
      tags,
      ttlMs: ms,
      graceMs: ms,
      says: fc.constantFrom('nothing' as const, 'skip' as const, 'ttl' as const, 'tags' as const, 'throw' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('mget' as const), keys: fc.array(key, { maxLength: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('invalidate' as const), tags }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('clear' as const), pattern: fc.constantFrom('*', 'n:*', '*a', 'a') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('clearNamespace' as const), name: fc.constantFrom('n', 'n:m') }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(1, 4, 20, 30) }) },
)

/** What stands in the model: a cache without limits, and time in milliseconds. */
interface Kept {
  readonly value: unknown
  readonly freshUntil: number
  readonly staleUntil: number
  readonly tags: readonly string[]
  rests?: number
}

class Model {
  now = 0
  readonly kept = new Map<string, Kept>()
  readonly counts = { hits: 0, local_hits: 0, redis_hits: 0, stale_hits: 0, misses: 0 }

  put(name: string, value: unknown, ttlMs: number, graceMs: number, tags: readonly string[]): void {
    const freshUntil = this.now + ttlMs
    if (ttlMs > 0) this.kept.set(name, { value, freshUntil, staleUntil: freshUntil + graceMs, tags })
  }
  servable(name: string): Kept | undefined {
    const found = this.kept.get(name)
    return found !== undefined && found.staleUntil > this.now ? found : undefined
  }
  fresh(name: string): Kept | undefined {
    const found = this.servable(name)
    return found !== undefined && found.freshUntil > this.now ? found : undefined
  }
  /** Counts a look-up, and what answered the look-up. */
  count(served: Kept | undefined): void {
    this.counts.hits += served === undefined ? 0 : 1
    this.counts.local_hits = this.counts.hits
    this.counts.misses += served === undefined ? 1 : 0
    if (served !== undefined && served.freshUntil <= this.now) this.counts.stale_hits += 1
  }
  clear(pattern: string): void {
    const parts = pattern.split('*')
    for (const name of [...this.kept.keys()]) {
      const matches =
        parts.length === 1
          ? name === pattern
          : name.startsWith(parts[0]!) && name.endsWith(parts[1]!) && name.length >= pattern.length - 1
      if (matches) this.kept.delete(name)
    }
  }
}

const graceBackoffMs = 10

test('answers as a model store does, whatever is set, loaded, invalidated and waited for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
      const { cache, clock } = memoryCache({ graceBackoff: `${graceBackoffMs}ms` })
      const model = new Model()
      for (const one of steps) {
        if (one.op === 'wait') {
          await clock.advance(one.ms)
          model.now += one.ms
        } else if (one.op === 'set') {
          await cache.set(one.key, one.value, one)
          if (one.ttlMs === 0) model.kept.delete(one.key)
          model.put(one.key, one.value, one.ttlMs, one.graceMs, one.tags)
        } else if (one.op === 'get') {
          const fresh = model.fresh(one.key)
          model.count(fresh)
          expect(await cache.get<unknown>(one.key)).toEqual(fresh?.value)
        } else if (one.op === 'mget') {
          const fresh = one.keys.map((name) => model.fresh(name))
          for (const each of fresh) model.count(each)
          expect(await cache.mget<unknown>(one.keys)).toEqual(fresh.map((each) => each?.value))
        } else if (one.op === 'delete') {
          // Memory may hold what is past its time, or lost its tag: held, and never served.
          const held = await cache.delete(one.key)
          if (model.servable(one.key) !== undefined) expect(held).toBe(true)
          model.kept.delete(one.key)
        } else if (one.op === 'invalidate') {
          for (const tag of one.tags) {
            await cache.invalidateTag(tag)
            for (const [name, { tags: own }] of [...model.kept]) if (own.includes(tag)) model.kept.delete(name)
          }
        } else if (one.op === 'clear') {
          await cache.clear(one.pattern)
          model.clear(one.pattern)
        } else if (one.op === 'clearNamespace') {
          await cache.namespace(one.name).clear()
          model.clear(`${one.name}:*`)
        } else {
          await getOrSet(one)
        }
        // The cache forgets when it looks, the model when it is asked: what is past its grace is nothing in both.
        for (const [name, { staleUntil }] of [...model.kept]) if (staleUntil <= model.now) model.kept.delete(name)
        const known = new Set(cache.list(1_000).map(({ key: name }) => name))
        for (const name of model.kept.keys()) expect([name, known.has(name)]).toEqual([name, true])
        expect(cache.stats()).toMatchObject(model.counts)
      }

      async function getOrSet(one: Extract<(typeof steps)[number], { op: 'getOrSet' }>) {
        const fresh = model.fresh(one.key)
        const stale = model.servable(one.key)
        model.count(stale)
        const loads = fresh === undefined && !(stale?.rests !== undefined && stale.rests > model.now)
        let ran = 0
        const answer = await cache
          .getOrSet<unknown>(
            one.key,
            ({ skip, ttl, tags: tag }) => {
              ran += 1
              if (one.says === 'skip') skip()
              if (one.says === 'ttl') ttl(3)
              if (one.says === 'tags') tag('u')
              if (one.says === 'throw') throw new Error('no luck')
              return one.value
            },
            one,
          )
          .then(
            (got) => ({ got }),
            () => 'threw',
          )
        await clock.advance(0)
        expect(ran).toBe(loads ? 1 : 0)
        if (fresh !== undefined) expect(answer).toEqual({ got: fresh.value })
        else if (stale !== undefined) expect(answer).toEqual({ got: stale.value })
        else if (one.says === 'throw') expect(answer).toBe('threw')
        else expect(answer).toEqual({ got: one.value })
        if (!loads) return
        if (one.says === 'throw') {
          if (stale !== undefined) stale.rests = model.now + graceBackoffMs
        } else if (one.says !== 'skip') {
          const tagged = one.says === 'tags' ? [...one.tags, 'u'] : one.tags
          model.put(one.key, one.value, one.says === 'ttl' ? 3 : one.ttlMs, one.graceMs, tagged)
        }
      }
    }),
    { numRuns },
  )
}, 120_000)
