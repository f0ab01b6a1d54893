/** The leases of a pool. Each lease knows its index, because adding to a Set costs more than the rest of lending. */
import type { Lease, PoolConnection } from './lease.ts'

export class LeaseList<C extends PoolConnection> implements Iterable<Lease<C>> {
  private readonly all: Lease<C>[] = []
  private emptied = Promise.withResolvers<void>()

  get size(): number {
    return this.all.length
  }

  async whenEmpty(): Promise<void> {
    this.emptied = Promise.withResolvers()
    if (this.size > 0) await this.emptied.promise
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
    if (this.size === 0) this.emptied.resolve()
    if (last === lease) return
    last.at = lease.at
    this.all[lease.at] = last
  }

  [Symbol.iterator](): Iterator<Lease<C>> {
    return this.all.values()
  }
}
