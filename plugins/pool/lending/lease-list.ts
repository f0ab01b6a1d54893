/** The leases under way. A list in which each knows its place: a Set costs more than the rest of lending. */
import type { Lease, PoolConnection } from './lease.ts'

export class LeaseList<C extends PoolConnection> implements Iterable<Lease<C>> {
  private readonly all: Lease<C>[] = []

  get size(): number {
    return this.all.length
  }

  has(lease: Lease): boolean {
    return this.all[lease.at] === lease
  }

  add(lease: Lease<C>): void {
    lease.at = this.all.length
    this.all.push(lease)
  }

  remove(lease: Lease<C>): void {
    if (!this.has(lease)) return
    const last = this.all.pop()!
    if (last === lease) return
    last.at = lease.at
    this.all[lease.at] = last
  }

  [Symbol.iterator](): Iterator<Lease<C>> {
    return this.all.values()
  }
}
