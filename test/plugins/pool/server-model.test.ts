import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import postgres from 'postgres'
import { systemClock } from '../../../core/process/clock.ts'
import type { Reserved } from '../../../plugins/pool/api.ts'
import { counters } from '../../../plugins/pool/pgbouncer.ts'
import { sharedUrl } from '../../support/services.ts'
import { driverNames, realPool } from './real-pool.ts'

// Ten thousand steps with a server in the proof.
setDefaultTimeout(900_000)
const url = sharedUrl('postgres')
const runs = process.env.ARKWATCH_PROOF === '1' ? 100 : 2
const stepsARun = 100

type Kind =
  | 'reserve'
  | 'release'
  | 'begin'
  | 'end'
  | 'abort'
  | 'timeout'
  | 'kill held'
  | 'kill idle'
  | 'query'
  | 'evict'
const step = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant<Kind>('reserve') },
    { weight: 5, arbitrary: fc.constant<Kind>('release') },
    { weight: 2, arbitrary: fc.constantFrom<Kind[]>('begin', 'end', 'abort', 'kill held', 'query') },
    { weight: 1, arbitrary: fc.constantFrom<Kind[]>('timeout', 'kill idle', 'evict') },
  ),
  at: fc.nat(99),
})

interface Held {
  readonly session: Reserved
  inTransaction: boolean
  killed: boolean
}
interface Asked {
  readonly number: number
  readonly abort: AbortController
  state: 'waiting' | 'served' | 'refused'
}
interface Backend {
  readonly pid: number
  readonly state: string
}
const counts = (states: readonly string[]) => {
  const found: Record<string, number> = {}
  for (const state of states) found[state] = (found[state] ?? 0) + 1
  return found
}

describe.each(driverNames)('over %s', (driver) => {
  test.skipIf(url === undefined)(
    'at each of 10,000 random steps our counts are those of the server, and no waiter is lost or overtaken',
    async () => {
      const admin = postgres(url!, { max: 1, onnotice: () => {} })
      const outcomes = new Set<Asked['state']>()
      let run = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: stepsARun, maxLength: stepsARun }), async (random) => {
          run += 1
          const applicationName = `model-${driver}-${run}-${process.pid}`
          const settings = { size: 2, maxOverflow: 1, acquireTimeout: 600_000, validateAfter: 600_000 }
          const { pool, end } = await realPool(url!, { driver, applicationName, settings })
          const held: Held[] = []
          const asked: Asked[] = []
          const served: number[] = []
          const waiting = () => asked.filter((each) => each.state === 'waiting')
          const ask = (timeoutMs?: number) => {
            const each: Asked = { number: asked.length, abort: new AbortController(), state: 'waiting' }
            asked.push(each)
            const options = { signal: each.abort.signal, ...(timeoutMs !== undefined && { timeoutMs }) }
            return pool.reserve(options).then(
              (session) => {
                each.state = 'served'
                served.push(each.number)
                held.push({ session, inTransaction: false, killed: false })
              },
              () => {
                each.state = 'refused'
              },
            )
          }
          const backends = () =>
            admin<Backend[]>`SELECT pid, state FROM pg_stat_activity WHERE application_name = ${applicationName}`
          /** What the server must say by what we did. */
          const check = async () => {
            const alive = held.filter(({ killed }) => !killed)
            const inTransaction = alive.filter((each) => each.inTransaction).length
            const { total, active, idle, checking, connecting, ...status } = pool.status()
            const wanted = counts([
              ...Array.from({ length: inTransaction }, () => 'idle in transaction'),
              ...Array.from({ length: total - inTransaction }, () => 'idle'),
            ])
            const seen = await backends()
            const view = counters(pool.status())
            expect({
              total: seen.length,
              states: counts(seen.map(({ state }) => state)),
              active: alive.length,
              waiting: waiting().length,
              settled: 0,
              held: alive.map(({ session }) => session.pid).sort(),
              marked: inTransaction,
              view: [alive.length, waiting().length, alive.length, idle],
              least: true,
            }).toEqual({
              total,
              states: wanted,
              active,
              waiting: status.waiting,
              settled: checking + connecting,
              held: pool
                .holders()
                .filter(({ pid }) => seen.some((one) => one.pid === pid))
                .map(({ pid }) => pid)
                .sort(),
              marked: pool
                .holders()
                .filter(
                  ({ idleInTransaction, pid }) => idleInTransaction && alive.some(({ session }) => session.pid === pid),
                ).length,
              view: [view.cl_active, view.cl_waiting, view.sv_active, view.sv_idle + view.sv_used],
              least: Object.values(view).every((value) => value >= 0),
            })
          }
          const settles = async () => {
            const untilMs = systemClock.monotonic() + 5_000
            for (;;) {
              try {
                return await check()
              } catch (thrown) {
                if (systemClock.monotonic() > untilMs) throw thrown
                // The server ends a backend a moment after its client.
                await systemClock.sleep(2)
              }
            }
          }
          for (const { kind, at } of random) {
            const one = held[at % Math.max(1, held.length)]
            if (kind === 'reserve') void ask()
            else if (kind === 'timeout') {
              if (pool.status().active === 3) await ask(1)
            } else if (kind === 'abort') waiting()[at % Math.max(1, waiting().length)]?.abort.abort(new Error('enough'))
            else if (kind === 'evict') pool.evict()
            else if (kind === 'query') {
              if (pool.status().waiting === 0 && held.length < 3) await pool.query('SELECT 1').catch(() => {})
            } else if (kind === 'kill idle') {
              const taken = new Set(held.map(({ session }) => session.pid))
              const free = (await backends()).find(({ pid }) => !taken.has(pid))
              if (free) await admin`SELECT pg_terminate_backend(${free.pid}, 5000)`
            } else if (one !== undefined && kind === 'kill held') {
              await admin`SELECT pg_terminate_backend(${one.session.pid}, 5000)`
              one.killed = true
            } else if (one !== undefined && kind === 'release') {
              held.splice(held.indexOf(one), 1)
              await one.session.release()
            } else if (one !== undefined && !one.killed && kind === 'begin' && !one.inTransaction) {
              await one.session.query('BEGIN')
              one.inTransaction = true
            } else if (one?.inTransaction && !one.killed && kind === 'end') {
              await one.session.query('COMMIT')
              one.inTransaction = false
            }
            await settles()
            expect(served).toEqual(served.toSorted((a, b) => a - b))
          }
          while (held.length > 0 || waiting().length > 0) {
            await held.shift()?.session.release()
            await systemClock.sleep(0)
          }
          await settles()
          await end()
          await settles()
          expect((await backends()).length).toBe(0)
          for (const { state } of asked) outcomes.add(state)
        }),
        { numRuns: runs },
      )
      expect([...outcomes].sort()).toEqual(['refused', 'served'])
      await admin.end()
    },
  )
})
