/** PURE. The words in which errors name the borrowers of a pool. */
import { type Borrower, framesOf, type Lease, routeName } from './lease.ts'

const said = (parts: readonly (string | undefined)[]) =>
  parts.filter((part) => part !== undefined && part !== '').join(' ')

/** Its kind, its request, and where it asked. */
export const describeBorrower = ({ kind, route, requestId, where }: Borrower): string =>
  said([kind, routeName(route), requestId, framesOf(where, 4).join(' < ')])

/** @returns the three that hold a connection longest, empty without any */
export function oldestHolders(leases: Iterable<Lease>, nowMs: number): string {
  const oldest = [...leases].sort((a, b) => a.sinceMs - b.sinceMs).slice(0, 3)
  const found = oldest.map(({ borrower: { kind, route, requestId }, sinceMs, statement }) => {
    const who = said([kind, routeName(route), requestId])
    return `${who} for ${Math.round(nowMs - sinceMs)} ms (${statement || 'no statement yet'})`
  })
  return found.join('; ')
}
