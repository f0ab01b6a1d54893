/** The answers of the writer. Imports no zod. */
import type { StoreCode } from './errors.ts'

/** A request that was refused, by code. */
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
  | { readonly ok: false; readonly code: StoreCode; readonly details: Readonly<Record<string, string | number>> }
