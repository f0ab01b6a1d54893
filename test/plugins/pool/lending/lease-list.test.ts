/** The leases under way. */
import { expect, test } from 'bun:test'
import { Lease, type PoolEntry } from '../../../../plugins/pool/lending/lease.ts'
import { LeaseList } from '../../../../plugins/pool/lending/lease-list.ts'

const lease = () => new Lease({} as PoolEntry, { kind: 'query' }, 0, 0)

test('it holds what was added and not removed, in whatever order, and what is removed twice once', () => {
  const list = new LeaseList()
  const known = new Set<Lease>()
  const all = Array.from({ length: 50 }, lease)
  for (const each of all) {
    list.add(each)
    known.add(each)
  }
  for (let turn = 0; turn < 400; turn += 1) {
    const each = all[(turn * 37 + (turn >> 3)) % all.length]!
    if (turn % 3 === 0 && !known.has(each)) {
      list.add(each)
      known.add(each)
    } else {
      list.remove(each)
      known.delete(each)
    }
    expect(all.filter((one) => list.has(one))).toEqual(all.filter((one) => known.has(one)))
    expect([list.size, new Set(list)]).toEqual([known.size, known])
  }
  // Of another pool, at a place that is taken here.
  const other = new LeaseList()
  const foreign = lease()
  other.add(foreign)
  list.add(lease())
  list.remove(foreign)
  expect([list.has(foreign), list.size, other.has(foreign)]).toEqual([false, known.size + 1, true])
})
