import { expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Lease } from '../../../../plugins/pool/lending/lease.ts'
import { type HeldConnection, handPool } from '../support.ts'

type Step =
  | {
      readonly kind: 'acquire' | 'release' | 'broken' | 'abort' | 'kill' | 'evict' | 'housekeep' | 'pause' | 'resume'
      readonly at: number
    }
  | { readonly kind: 'advance' | 'server'; readonly at: number }

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('acquire' as const) },
    { weight: 5, arbitrary: fc.constant('release' as const) },
    { weight: 2, arbitrary: fc.constantFrom('abort' as const, 'kill' as const, 'advance' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('broken', 'evict', 'housekeep', 'pause', 'resume', 'server') as fc.Arbitrary<'evict'>,
    },
  ),
  at: fc.nat(99),
})

interface Asked {
  readonly number: number
  readonly abort: AbortController
  state: 'waiting' | 'served' | 'refused'
}

test('10,000 random steps lose no waiter, leak no connection, keep the order and the limits', async () => {
  const outcomes = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 100, maxLength: 100 }), async (run) => {
      const { pool, clock, server, connections } = handPool({ keepalive: 5_000, validateAfter: 2_000 })
      const held: Lease<HeldConnection>[] = []
      const asked: Asked[] = []
      const served: number[] = []
      const ask = () => {
        const each: Asked = { number: asked.length, abort: new AbortController(), state: 'waiting' }
        asked.push(each)
        const refuse = () => {
          each.state = 'refused'
          outcomes.add(each.state)
        }
        const take = (lease: Lease<HeldConnection>, how = 'served after a wait') => {
          each.state = 'served'
          outcomes.add(how)
          served.push(each.number)
          held.push(lease)
        }
        try {
          const lease = pool.acquire({ kind: 'reserve' }, each.abort.signal)
          if (!(lease instanceof Promise)) return take(lease, 'served')
          lease.then((later) => take(later), refuse)
        } catch {
          refuse()
        }
      }
      for (const { kind, at } of run) {
        const lease = held[at % Math.max(1, held.length)]
        const waiter = asked.filter((each) => each.state === 'waiting')[0]
        if (kind === 'acquire') ask()
        else if ((kind === 'release' || kind === 'broken') && lease !== undefined) {
          held.splice(held.indexOf(lease), 1)
          pool.release(lease, kind === 'broken')
        } else if (kind === 'abort') waiter?.abort.abort(new Error('enough'))
        else if (kind === 'kill') connections.filter((each) => !each.closed)[at % 3]?.die()
        else if (kind === 'evict') pool.evict()
        else if (kind === 'housekeep') pool.housekeep()
        else if (kind === 'pause') pool.pause()
        else if (kind === 'resume') pool.resume()
        else if (kind === 'server') server.up = at > 30
        else if (kind === 'advance') await clock.advance(at * 20)
        await clock.advance(0)
        const counts = pool.counts()
        expect(Math.min(...Object.values(counts).map(Number))).toBeGreaterThanOrEqual(0)
        expect(counts.total).toBe(counts.active + counts.idle + counts.checking)
        expect(counts.total).toBeLessThanOrEqual(3)
        expect(counts.total).toBe(connections.filter((each) => !each.closed).length)
        expect(counts.active).toBe(held.filter((each) => !each.connection.closed).length)
        expect(counts.waiting).toBe(asked.filter((each) => each.state === 'waiting').length)
        expect(served).toEqual(served.toSorted((a, b) => a - b))
      }
      server.up = true
      pool.resume()
      const drainOne = () => {
        const lease = held.pop()
        if (lease !== undefined) pool.release(lease)
      }
      for (let turn = 0; turn < 400 && (held.length > 0 || pool.counts().waiting > 0); turn += 1) {
        drainOne()
        await clock.advance(1)
      }
      await clock.advance(10_000)
      expect(asked.filter((each) => each.state === 'waiting')).toEqual([])
      for (const lease of held) pool.release(lease)
      await pool.drain(0)
      expect(connections.filter((each) => !each.closed)).toEqual([])
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 100 },
  )
  expect([...outcomes].sort()).toEqual(['refused', 'served', 'served after a wait'])
})
