/** What the main thread and the writer thread tell each other. */
import type { AreaDefinition, SqlValue, Statement } from './api.ts'
import type { StoreCode } from './errors.ts'

export interface WriterData {
  /** Absolute path of the file. */
  readonly path: string
  readonly maxBytes: number
  /** Milliseconds. */
  readonly maintainEveryMs: number
}

export type StoreRequest = { readonly id: number } & (
  | { readonly kind: 'area'; readonly definition: AreaDefinition }
  | {
      readonly kind: 'write'
      readonly area: string
      readonly statements: readonly Statement[]
      readonly lazy?: boolean
    }
  | {
      readonly kind: 'query'
      readonly area: string
      readonly sql: string
      readonly params: readonly SqlValue[]
      readonly limit: number
    }
  | { readonly kind: 'close' }
)
export type WriteRequest = Extract<StoreRequest, { kind: 'write' }>

export type StoreAnswer = { readonly id: number } & (
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: StoreCode; readonly details: Readonly<Record<string, string | number>> }
)

export type FromWriter =
  | { readonly kind: 'answers'; readonly answers: readonly StoreAnswer[] }
  /** Sent when the file is open or cannot be, and whenever that changes. */
  | { readonly kind: 'state'; readonly problem: string | undefined; readonly aside: string | undefined }
  | { readonly kind: 'size'; readonly bytes: number; readonly commits: number }
