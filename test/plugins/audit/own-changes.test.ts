/** Changes that nobody made through the API or the control socket are on record, too. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Audit } from '../../../plugins/audit/api.ts'
import { catalog } from '../../../plugins/catalog.ts'
import { type TestRuntime, testRuntime } from '../../../testing/test-runtime.ts'

// Each start opens a real store.
setDefaultTimeout(30_000)

const data = join(mkdtempSync(join(tmpdir(), 'arkwatch-own-')), 'data')
const boot = () => testRuntime({ catalog, config: { data, plugins: { store: {}, audit: {} } } })
const patch = { plugins: { store: { maxQueue: 5_000 } } }

/** The records about the configuration and what they say, oldest first. */
async function recordsOf({ runtime }: TestRuntime) {
  const records = await runtime.service(Audit).page({ limit: 100 })
  return records.toReversed().map(({ principal, action, target = '', outcome, changes = [] }) => {
    const { reason = '' } = (changes[0]?.after ?? {}) as { reason?: string }
    return [principal.name, principal.role, action, target, outcome, reason].join(' | ')
  })
}

test('a reload by a signal, a rollback without a confirmation, and one at the next start', async () => {
  const first = await boot()
  await first.runtime.reload('SIGHUP')
  const { id } = await first.runtime.changes.apply(patch, { by: 'alice', confirmWithinMs: 10_000 })
  await first.clock.advance(10_000)
  while (first.runtime.changes.history[0]?.state !== 'rolled-back') await new Promise(setImmediate)
  const rollback = (of: string, outcome: string, reason: string) =>
    `arkwatch | system | config.rollback | ${of} | ${outcome} | ${reason}`
  const soFar = [
    'SIGHUP | system | reload |  | begun | ',
    'SIGHUP | system | reload |  | ok | ',
    rollback(id, 'begun', ''),
    rollback(id, 'ok', 'no confirmation came in time'),
  ]
  expect(await recordsOf(first)).toEqual(soFar)
  const next = await first.runtime.changes.apply(patch, { by: 'alice', confirmWithinMs: 10_000 })
  await first.stop()
  const second = await boot()
  const atStart = [
    rollback(next.id, 'begun', ''),
    rollback(next.id, 'ok', 'the process ended before the change was complete and confirmed'),
  ]
  expect(await recordsOf(second)).toEqual([...soFar, ...atStart])
  await second.stop()
})
