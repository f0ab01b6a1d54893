/** A mistake in the configuration, for people and programs. */

export interface ConfigProblem {
  /** Upper-snake code of the error table. */
  readonly code: string
  readonly message: string
  /** JSON pointer, `/plugins/health/checks/db/every`; empty for a syntax error. */
  readonly pointer: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  /** What to do, `did you mean "every"?`. */
  readonly help?: string
}

/** @param path keys and indices from the root @returns the JSON pointer; empty for the root @see RFC 6901 */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
