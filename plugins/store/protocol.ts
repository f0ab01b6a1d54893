/** What the main thread and the writer thread send each other. `serveRequests` answers. Imports no zod. */
import type { AreaDefinition, SqlValue, Statement } from './api.ts'
import type { StoreCode } from './errors.ts'

export interface WriterData {
  /** Absolute path of the file. */
  readonly path: string
  readonly maxBytes: number
  readonly maintainEveryMs: number
  /** The memory of `Progress`. */
  readonly progress: SharedArrayBuffer
}

interface Query {
  readonly area: string
  readonly sql: string
  readonly params: readonly SqlValue[]
}

export class Refusal extends Error {
  constructor(
    readonly code: StoreCode,
    readonly details: Readonly<Record<string, string | number>>,
  ) {
    super(code)
  }
}
export type StoreAnswer =
  | { readonly ok: true; readonly value: unknown }
  | ({ readonly ok: false } & Pick<Refusal, 'code' | 'details'>)

/** What a file's writer answers. */
export type StoreRequest =
  | { readonly kind: 'area'; readonly definition: AreaDefinition }
  | ({ readonly kind: 'write'; readonly statements: readonly Statement[]; readonly lazy?: boolean } & Pick<
      Query,
      'area'
    >)
  | ({ readonly kind: 'query'; readonly limit: number } & Query)
export type WriteRequest = Extract<StoreRequest, { kind: 'write' }>

/** With the area's own file, if it has one. */
export type ToWriter =
  | ({ readonly file: string | undefined } & (StoreRequest | ({ readonly kind: 'iterate' } & Query)))
  | { readonly kind: 'close' }

export type FromWriter =
  /** Sent when a file is open or cannot be, and whenever that changes. `isMain`: the problem is of the store's file. */
  | { readonly kind: 'state'; readonly problem: string | undefined; readonly isMain: boolean }
  | { readonly kind: 'aside'; readonly aside: string }
  | { readonly kind: 'size'; readonly bytes: number; readonly commits: number }
