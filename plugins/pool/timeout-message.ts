/** PURE. The words in which errors name the borrowers of a pool. */
import { type Borrower, framesOf, type Lease } from './lease.ts'

/** Its kind, its request, and where it asked. */
export function describeBorrower({ kind, route, requestId, where }: Borrower): string {
  const frames = framesOf(where, 4).join(' < ')
  return [kind, route, requestId, frames].filter((part) => part !== undefined && part !== '').join(' ')
}

/** @returns the three that hold a connection longest, empty without any */
export function oldestHolders(leases: Iterable<Lease>, nowMs: number): string {
  const found: string[] = []
  for (const { borrower, sinceMs, statement } of leases) {
    if (found.length === 3) break
    const { kind, route, requestId } = borrower
    const who = [kind, route, requestId].filter((part) => part !== undefined).join(' ')
    found.push(`${who} for ${Math.round(nowMs - sinceMs)} ms (${statement || 'no statement yet'})`)
  }
  return found.join('; ')
}
