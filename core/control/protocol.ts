/** The protocol of the control socket, for both ends. */
import { join } from 'node:path'
import type { ConfigProblem } from '../contract/config-problem.ts'

export const maxControlBodyBytes = 1024 * 1024

export const controlSocket = (dataDir: string): string => join(dataDir, 'arkwatch.sock')

/** One thing wrong with the arguments of a command, at a JSON pointer or in a parameter. */
export interface InvalidArgument {
  readonly pointer?: string
  readonly parameter?: string
  readonly detail: string
}

/** The body of an error answer (RFC 9457). */
export interface ControlProblem {
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly help: string
  /** The configuration errors, where the configuration is wrong. */
  readonly problems?: readonly ConfigProblem[] | undefined
  /** The invalid arguments, where the arguments are wrong. */
  readonly errors?: readonly InvalidArgument[] | undefined
}
