/** What other plugins may use of the admin API. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { extensionPoint, type Level } from '../../core/plugin.ts'

/** `admin` may do everything; `operator` may read and act; `viewer` may read; `auditor` also the audit records. */
export const roles = ['viewer', 'operator', 'admin', 'auditor'] as const
export type Role = (typeof roles)[number]

/** The role that an operation requires. `public` is for logging in alone. */
export type Access = Role | 'public'

const roleProblem = (access: string | undefined) =>
  access === undefined || (roles as readonly string[]).includes(access)
    ? undefined
    : `access is none of ${roles.join(', ')}`

/** Who makes a request. */
export interface Principal {
  /** The name of the key. */
  readonly name: string
  /** The id of the key, which is not a secret. */
  readonly keyId: string
  readonly role: Role
  /** Groups of operations that the key is narrowed to, `plugins`; empty for all that the role may. */
  readonly scopes: readonly string[]
}

/** One operation of the API. */
export interface Operation {
  /** `plugins.restart`; unique. The part before the dot is its group, by which access is configured. */
  readonly id: string
  readonly access: Access
  /** One line for the reference. */
  readonly summary: string
  /** A read that is recorded, as changes are. @default false */
  readonly sensitive?: boolean
  /** A POST that changes nothing, such as a plan. @default false */
  readonly readOnly?: boolean
  /** Statuses of errors besides those that every operation has. */
  readonly errors?: readonly number[]
  /** The plugin that must be there; 501 without it. */
  readonly plugin?: string
}

/** What a handler may say about the change it makes, for the record. */
export interface ChangeNote {
  target?: string
  before?: unknown
  after?: unknown
}

/** What a job can do while it runs. */
export interface JobContext {
  readonly signal: AbortSignal
  /** @param share done, 0-1 @param note the current step, for people */
  progress(share: number, note?: string): void
}

/** A file that a job leaves behind; deleted with the job. */
export interface JobFile {
  readonly path: string
  readonly contentType: string
  readonly name: string
}

export interface JobOutcome {
  /** Plain JSON, at most 64 KiB. */
  readonly result?: unknown
  readonly file?: JobFile
}

/** The variables of the context of an admin route. */
export interface AdminVariables {
  readonly principal: Principal
  readonly requestId: string
  /** The address of the peer; `local` over a Unix socket. */
  readonly from: string
  /** The token of the browser session that the request is part of. */
  readonly csrf: string | undefined
  /** Whether the caller is still let in: the key was not revoked, the session has not ended. */
  readonly isStillIn: () => boolean
  readonly note: ChangeNote
  /** Runs long work. @param kind `backup.create` @returns 202 with the job @throws ADMIN_JOB_LIMIT */
  readonly startJob: (kind: string, run: (job: JobContext) => Promise<JobOutcome | undefined>) => Promise<Response>
  /** Checks the caller and records the request. Set by the admin plugin. */
  readonly enter: (operation: Operation, context: Context, next: () => Promise<void>) => Promise<Response | undefined>
}
export type AdminEnv = { Variables: AdminVariables }

/** What {@link operation} gives, for `createRoute`. */
export interface OperationRoute {
  readonly operationId: string
  readonly tags: string[]
  readonly summary: string
  readonly middleware: MiddlewareHandler<AdminEnv>
  readonly 'x-access': Access
  readonly 'x-sensitive'?: true
  readonly 'x-read-only'?: true
  readonly 'x-errors'?: readonly number[]
  readonly 'x-plugin'?: string
}

/** Declares who may call a route. Spread it into `createRoute`; a route without it is refused. */
export const operation = (described: Operation): OperationRoute => ({
  operationId: described.id,
  tags: [described.id.split('.')[0]!],
  summary: described.summary,
  middleware: (context, next) => context.var.enter(described, context, next) as Promise<Response>,
  'x-access': described.access,
  ...(described.sensitive && { 'x-sensitive': true }),
  ...(described.readOnly && { 'x-read-only': true }),
  ...(described.errors && { 'x-errors': described.errors }),
  ...(described.plugin !== undefined && { 'x-plugin': described.plugin }),
})

/** Routes that a plugin contributes. */
export interface AdminRoutes {
  /** The prefix of the app's paths: `/admin/pool`, or `/monitoring/cache`. */
  readonly path: string
  /** Called once, when the admin plugin mounts the routes. */
  app(): OpenAPIHono<AdminEnv> | Promise<OpenAPIHono<AdminEnv>>
}
export const adminRoutes = extensionPoint<AdminRoutes>('admin.routes', { shape: { path: 'text', app: 'function' } })

/** The content of a file: at most 4 MiB, given or made for each request. */
export type Asset = string | Uint8Array | (() => string | Uint8Array | Promise<string | Uint8Array>)

/** Static pages that a plugin contributes, for a valid key or browser session: group `pages` of the operations. */
export interface AdminPages {
  /** One name below /admin/ that no other plugin has: `/admin/console`. */
  readonly path: string
  /** @default viewer */
  readonly access?: Role
  /** A directory, `new URL('./dist/', import.meta.url)`, or files by their relative path: at most 1,000 and 32 MiB. */
  readonly root: URL | Readonly<Record<string, Asset>>
  /** The file that answers at `path`. @default index.html */
  readonly index?: string
}
export const adminPages = extensionPoint<AdminPages>('admin.pages', {
  shape: { path: 'text', access: 'text?', root: 'files', index: 'text?' },
  refuse: ({ access }) => roleProblem(access),
})

/** The filter of an event stream, from the query. */
export interface EventFilter {
  readonly level?: Level
  readonly logger?: string
}

/**
 * Sends one event of at most 256 KiB. An invalid event ends the topic for this reader; a reader is cut off when
 * 1 MiB waits for it.
 * @param data plain JSON
 * @param event no other topic's name, nor `hello`, `ended`, `dropped`, `log` or `record` @default the topic's name
 * @param id an integer for the reader; a stream does not resume, so `Last-Event-ID` is ignored
 */
export type SendEvent = (data: unknown, event?: string, id?: number) => void

/** A topic of `GET /admin/stream` that a plugin contributes. admin handles frames, slow readers and revoked keys. */
export interface EventTopic {
  /** Lower-case letters, digits and `-`; unique, and not `hello`, `ended`, `dropped`, `log` or `record`. */
  readonly name: string
  readonly access: Role
  /** One line for the reference. */
  readonly summary?: string
  /**
   * Begins to send to one reader, until the signal aborts. A throw or a rejection ends the topic for this reader.
   * @param send events after the abort are dropped
   */
  open(send: SendEvent, filter: EventFilter, signal: AbortSignal): void | Promise<void>
}
export const eventTopic = extensionPoint<EventTopic>('admin.eventTopics', {
  shape: { name: 'text', access: 'text', summary: 'text?', open: 'function' },
  nameOf: ({ name }) => name,
  refuse: ({ name, access }) =>
    /^[a-z][a-z0-9-]{0,31}$/.test(name) ? roleProblem(access) : 'its name must be lower-case letters, digits and "-"',
})
