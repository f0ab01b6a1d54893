/** What other plugins may use of the admin API. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { extensionPoint } from '../../core/token.ts'

/** From little to much; `auditor` stands beside them and reads the audit log. */
export type Role = 'viewer' | 'operator' | 'admin' | 'auditor'

/** Who makes a request; in the context of each admin route as `principal`. */
export interface Principal {
  /** The name of the key. */
  readonly name: string
  readonly role: Role
  /** What the key is narrowed to: prefixes of operation ids; empty for all that the role may. */
  readonly scopes: readonly string[]
}

/** The variables of the context of an admin route. */
export interface AdminVariables {
  readonly principal: Principal
  readonly requestId: string
}
export type AdminEnv = { Variables: AdminVariables }

/**
 * Routes under `/admin` (or another prefix of the seed's, `/monitoring`) that a plugin brings. Each is made by `createRoute`
 * of `@hono/zod-openapi` with `x-roles` (who may) and an `operationId`; one without is refused when it is mounted. A route
 * whose method is not GET or HEAD is put on record, and so is one with `x-audit: true`.
 */
export interface AdminRoutes {
  /** What the paths of `app` are under: `/admin/pool`. */
  readonly path: string
  readonly app: OpenAPIHono<AdminEnv>
}
export const adminRoutes = extensionPoint<AdminRoutes>('admin.routes')
