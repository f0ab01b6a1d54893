/** The current borrower: the request of the calling code, and the leases that the code holds already. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { currentRequest, type RequestScope, type Route } from '../../../core/plugin.ts'
import type { Borrower, Lease } from './lease.ts'

interface Held {
  readonly pool: object
  readonly lease: Lease
  readonly outer: Held | undefined
}

/** One per process: a transaction of one pool may hold a statement of another. */
const holding = new AsyncLocalStorage<Held>()
/** Number of transactions in progress and connections reserved by requests; with 0 no lookup is needed. */
let holders = 0
/** Connections reserved by the code of a request, which has no end as a transaction's function has one. */
const reservedBy = new WeakMap<RequestScope, Set<Held>>()

class CurrentBorrower implements Borrower {
  constructor(
    readonly kind: Borrower['kind'],
    readonly blocks: readonly Lease[] | undefined,
    readonly where: Error | undefined,
    private readonly scope: RequestScope | undefined,
  ) {}

  get route(): Route | undefined {
    return this.scope?.route
  }

  get requestId(): string | undefined {
    return this.scope?.id
  }
}

const nobody: Borrower = { kind: 'query' }

function leasesOf(pool: object, scope: RequestScope | undefined): Lease[] {
  const leases: Lease[] = []
  const add = (held: Held) => {
    if (held.pool === pool && !held.lease.released) leases.push(held.lease)
  }
  for (let held = holding.getStore(); held !== undefined; held = held.outer) add(held)
  for (const held of (scope && reservedBy.get(scope)) ?? []) add(held)
  return leases
}

/** Takes a stack only of a borrower that may hold for long or holds a lease already. */
export function currentBorrower(kind: Borrower['kind'], pool: object): Borrower {
  const scope = currentRequest()
  if (kind === 'query' && holders === 0 && scope === undefined) return nobody
  const leases = holders === 0 ? [] : leasesOf(pool, scope)
  const blocks = leases.length === 0 ? undefined : leases
  if (kind !== 'query' || blocks !== undefined) return new CurrentBorrower(kind, blocks, new Error('borrowed'), scope)
  return scope === undefined ? nobody : new CurrentBorrower(kind, undefined, undefined, scope)
}

/** Runs `work` as code that holds `lease`. */
export async function whileHolding<T>(pool: object, lease: Lease, work: () => PromiseLike<T>): Promise<T> {
  holders += 1
  try {
    return await holding.run({ pool, lease, outer: holding.getStore() }, work)
  } finally {
    holders -= 1
  }
}

/** Records that the current request holds `lease`. @returns removes the record */
export function holdForRequest(pool: object, lease: Lease): () => void {
  const scope = currentRequest()
  if (scope === undefined) return () => {}
  const held = { pool, lease, outer: undefined }
  const all = reservedBy.get(scope) ?? new Set()
  reservedBy.set(scope, all.add(held))
  holders += 1
  return () => {
    if (all.delete(held)) holders -= 1
  }
}
