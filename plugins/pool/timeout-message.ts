/** PURE. The words in which errors name the borrowers of a pool. */
import { type Borrower, framesOf, type Lease, routeName } from './lease.ts'

const said = (parts: readonly (string | undefined)[]) =>
  parts.filter((part) => part !== undefined && part !== '').join(' ')

/** Its kind, its request, and where it asked. */
export const describeBorrower = ({ kind, route, requestId, where }: Borrower): string =>
  said([kind, routeName(route), requestId, framesOf(where, 4).join(' < ')])

/** @returns the three that hold a connection longest, empty without any */
export function oldestHolders(leases: Iterable<Lease>, nowMs: number): string {
  const found: string[] = []
  for (const { borrower, sinceMs, statement } of leases) {
    if (found.length === 3) break
    const { kind, route, requestId } = borrower
    const who = said([kind, routeName(route), requestId])
    found.push(`${who} for ${Math.round(nowMs - sinceMs)} ms (${statement || 'no statement yet'})`)
  }
  return found.join('; ')
}
