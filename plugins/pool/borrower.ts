/** Who borrows: the request that the code works for, and the leases that the code holds already. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { currentRequest } from '../../core/http/current-request.ts'
import type { RequestScope } from '../../core/request.ts'
import type { Borrower, Lease } from './lease.ts'

interface Held {
  readonly pool: object
  readonly lease: Lease
  readonly outer: Held | undefined
}

/** One per process: a transaction of one pool may hold a statement of another. */
const holding = new AsyncLocalStorage<Held>()

class CurrentBorrower implements Borrower {
  constructor(
    readonly kind: Borrower['kind'],
    readonly blocks: readonly Lease[] | undefined,
    readonly where: Error | undefined,
    private readonly scope: RequestScope | undefined,
  ) {}

  get route(): string | undefined {
    const route = this.scope?.route
    return route === undefined ? undefined : `${route.method} ${route.pattern}`
  }

  get requestId(): string | undefined {
    return this.scope?.id
  }
}

/** The stack is taken only from who may hold for long, or nests. */
export function currentBorrower(kind: Borrower['kind'], pool: object): Borrower {
  const blocks: Lease[] = []
  for (let held = holding.getStore(); held !== undefined; held = held.outer) {
    if (held.pool === pool && !held.lease.released) blocks.push(held.lease)
  }
  const where = kind === 'query' && blocks.length === 0 ? undefined : new Error('borrowed')
  return new CurrentBorrower(kind, blocks.length === 0 ? undefined : blocks, where, currentRequest())
}

/** Runs `work` as code that holds `lease`. */
export const whileHolding = <T>(pool: object, lease: Lease, work: () => T): T =>
  holding.run({ pool, lease, outer: holding.getStore() }, work)
