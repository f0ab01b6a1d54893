/** What the bench compares: a way to make a `fetch` of an application. */
import type { Hono } from 'hono'

export type Fetch = (request: Request, ...rest: never[]) => unknown
/** @param before adds middleware ahead of the routes */
export type MakeApp = (before?: (app: Hono) => void) => Hono

export interface Variant {
  readonly name: string
  /** Whether the variant uses another thread: the whole process is then measured in long segments. */
  readonly threaded?: boolean
  /** Whether the variant is measured only if `--only` or `--against` names it. */
  readonly unlisted?: boolean
  open(app: MakeApp): Fetch | Promise<Fetch>
}
