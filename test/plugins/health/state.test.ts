import { describe, expect, test } from 'bun:test'
import type { CheckStatus } from '../../../plugins/health/api.ts'
import { initialState, isStale, type Policy, step } from '../../../plugins/health/checks/check-state.ts'

const policy = (changes: Partial<Policy> = {}): Policy => ({
  failureThreshold: 1,
  successThreshold: 1,
  startupGraceMs: 0,
  staleAfterMs: 35_000,
  ...changes,
})

type Run = [atMs: number, found: 'up' | 'degraded' | 'down', becomes: CheckStatus, reason: string]

const tables: Record<string, { policy?: Partial<Policy>; runs: Run[] }> = {
  'one failure is enough by default, one success brings it back': {
    runs: [
      [0, 'up', 'up', 'first result'],
      [10, 'down', 'down', 'changed'],
      [20, 'down', 'down', 'confirmed'],
      [30, 'up', 'up', 'changed'],
      [40, 'degraded', 'degraded', 'changed'],
      [50, 'up', 'up', 'changed'],
    ],
  },
  'a failure threshold asks for failures in a row': {
    policy: { failureThreshold: 3 },
    runs: [
      [0, 'up', 'up', 'first result'],
      [10, 'down', 'up', 'below failure threshold'],
      [20, 'down', 'up', 'below failure threshold'],
      [30, 'up', 'up', 'confirmed'],
      [40, 'down', 'up', 'below failure threshold'],
      [50, 'down', 'up', 'below failure threshold'],
      [60, 'down', 'down', 'changed'],
    ],
  },
  'a success threshold asks for successes in a row, and not of a check that was never down': {
    policy: { successThreshold: 2 },
    runs: [
      [0, 'up', 'up', 'first result'],
      [10, 'down', 'down', 'changed'],
      [20, 'up', 'down', 'below success threshold'],
      [30, 'down', 'down', 'confirmed'],
      [40, 'degraded', 'down', 'below success threshold'],
      [50, 'degraded', 'degraded', 'changed'],
    ],
  },
  'failures within the startup grace leave a check unknown that was never up': {
    policy: { startupGraceMs: 30 },
    runs: [
      [10, 'down', 'unknown', 'within startup grace'],
      [20, 'down', 'unknown', 'within startup grace'],
      [30, 'down', 'down', 'first result'],
    ],
  },
  'the startup grace ends with the first success': {
    policy: { startupGraceMs: 30 },
    runs: [
      [10, 'up', 'up', 'first result'],
      [20, 'down', 'down', 'changed'],
    ],
  },
}

describe('the state of a check', () => {
  for (const [name, table] of Object.entries(tables)) {
    test(name, () => {
      let state = initialState(0)
      for (const [atMs, found, becomes, reason] of table.runs) {
        const before = state.status
        const next = step(state, { status: found, latencyMs: 1 }, atMs, policy(table.policy))
        expect([atMs, next.state.status, next.reason]).toEqual([atMs, becomes, reason] as never)
        expect(next.transition).toEqual(before === becomes ? undefined : { from: before, to: becomes })
        expect(next.state.changedAtMs).toBe(before === becomes ? state.changedAtMs : atMs)
        state = next.state
      }
    })
  }

  test('keeps when it was last well, and what the last run said', () => {
    const up = step(initialState(0), { status: 'up', latencyMs: 3, details: { a: 1 } }, 10, policy()).state
    const down = step(up, { status: 'down', latencyMs: 9, message: 'refused' }, 20, policy()).state
    expect(down).toMatchObject({ lastSuccessAtMs: 10, observedAtMs: 20, latencyMs: 9, message: 'refused', details: {} })
  })

  test('is stale when the last result is too old, and not before there is one', () => {
    const { state } = step(initialState(0), { status: 'up', latencyMs: 1 }, 1_000, policy())
    expect(isStale(initialState(0), 1e9, policy())).toBe(false)
    expect(isStale(state, 36_000, policy())).toBe(false)
    expect(isStale(state, 36_001, policy())).toBe(true)
  })
})
