import { describe, expect, test } from 'bun:test'
import type { CheckStatus } from '../../../plugins/health/api.ts'
import { effectiveStatuses, orderChecks, overallStatus } from '../../../plugins/health/checks/dependencies.ts'

const parentsOf = (graph: Record<string, string[]>) => new Map(Object.entries(graph))

describe('dependencies between checks', () => {
  test('parents come first, a circle is named, missing names are listed', () => {
    expect(orderChecks(parentsOf({ app: ['db'], db: ['net'], net: [] })).order).toEqual(['net', 'db', 'app'])
    expect(orderChecks(parentsOf({ a: ['b'], b: ['c'], c: ['a'] })).cycle).toEqual(['a', 'b', 'c', 'a'])
    expect(orderChecks(parentsOf({ a: ['a'] })).cycle).toEqual(['a', 'a'])
    expect(orderChecks(parentsOf({ a: ['ghost'] })).missing).toEqual(['ghost'])
  })

  const graph = { app: ['db', 'cache'], db: ['net'], cache: [], net: [] }
  const cases: [string, Partial<Record<keyof typeof graph, CheckStatus>>, Record<string, [CheckStatus, string?]>][] = [
    ['all up', {}, { app: ['up'], db: ['up'] }],
    ['a parent down makes the child unknown', { db: 'down' }, { app: ['unknown', 'db'], db: ['down'] }],
    [
      'the root is named through several levels',
      { net: 'down', db: 'down' },
      { app: ['unknown', 'net'], db: ['unknown', 'net'] },
    ],
    ['a child that is down itself is unknown too', { cache: 'down', app: 'down' }, { app: ['unknown', 'cache'] }],
    [
      'a parent degraded or without result leaves the child alone',
      { db: 'degraded', cache: 'unknown' },
      { app: ['up'] },
    ],
  ]
  test.each(cases)('%s', (_, own, expected) => {
    const parents = parentsOf(graph)
    const result = effectiveStatuses(orderChecks(parents).order, parents, (name) => own[name as never] ?? 'up')
    for (const [name, [status, parent]] of Object.entries(expected)) {
      expect([name, result.get(name)]).toEqual([name, { status, parent }] as never)
    }
  })

  test('the whole is down by a critical check alone, and degraded by anything else', () => {
    const check = (status: CheckStatus, critical = false, stale = false) => ({ status, critical, stale })
    expect(overallStatus([])).toBe('up')
    expect(overallStatus([check('up'), check('down', true)])).toBe('down')
    expect(overallStatus([check('up', true), check('down')])).toBe('degraded')
    expect(overallStatus([check('unknown', true)])).toBe('degraded')
    expect(overallStatus([check('up', true, true)])).toBe('degraded')
    expect(overallStatus([check('degraded', true), check('up')])).toBe('degraded')
  })
})
