/** A mistake in the configuration, as people and programs are told of one. */

/** One thing wrong with the configuration. */
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
