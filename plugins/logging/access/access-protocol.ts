/** The messages between the request thread and the access log's worker. */
import type { RedactOptions } from '../../../core/worker.ts'
import type { Rotation } from '../sinks/rotation.ts'
import type { RouteName } from './access-line.ts'

export interface AccessDestination {
  /** Absolute path; undefined for stdout. */
  readonly file: string | undefined
  readonly rotation: Rotation
}

export interface AccessWorkerData {
  readonly memory: SharedArrayBuffer
  readonly destination: AccessDestination
  readonly redact: RedactOptions
}

/** A request with its strings: route id, status, duration, end, path or '', request id or ''. */
export type AccessRow = readonly [number, number, number, number, string, string]

export type ToAccessWorker =
  | { readonly kind: 'route'; readonly id: number; readonly route: RouteName }
  | { readonly kind: 'rows'; readonly batch: number; readonly rows: readonly AccessRow[] }
  | { readonly kind: 'destination'; readonly destination: AccessDestination }
  | { readonly kind: 'flush' }

export type FromAccessWorker =
  | { readonly kind: 'flushed' }
  /** Undefined: the worker writes again. */
  | { readonly kind: 'problem'; readonly problem: string | undefined }
