/** What both ends of the control socket know. */
import { join } from 'node:path'
import type { ConfigProblem } from '../contract/config-problem.ts'

export const maxControlBodyBytes = 1024 * 1024

/** Absolute path of the socket of a data folder. */
export const controlSocket = (dataDir: string): string => join(dataDir, 'arkwatch.sock')

/** The body of an error answer (RFC 9457). */
export interface ControlProblem {
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly help: string
  /** Of the configuration, where that is what is wrong. */
  readonly problems?: readonly ConfigProblem[]
}
