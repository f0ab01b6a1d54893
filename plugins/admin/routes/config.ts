/** The configuration: what is in force, and changes of it that take themselves back unless they prove good. */
import { createRoute, z } from '@hono/zod-openapi'
import type { AppliedChange, Clock, ConfigChanges, Runtime } from '../../../core/plugin.ts'
import { operation } from '../api.ts'
import { adminError } from '../errors.ts'
import { checkNames } from '../guard/patch-names.ts'
import { checkPatch } from '../guard/patch-policy.ts'
import { createApi } from '../http/compose.ts'
import { body, idParam, iso, isoOrNull, nullableTime, record, reply, time } from '../http/reply.ts'
import { StepSchema } from './plugins.ts'

const Change = z
  .object({
    id: z.string(),
    by: z.string(),
    at: time,
    state: z.enum(['applied', 'awaiting-confirmation', 'confirmed', 'rolled-back']),
    deadline: nullableTime.describe('When it is taken back unless it is confirmed.'),
    reason: z.string().describe('Why it was taken back.'),
    steps: z.array(StepSchema),
  })
  .openapi('Change')

const shown = ({ id, by, atMs, state, deadlineMs, reason, steps }: AppliedChange) => ({
  id,
  by,
  at: iso(atMs),
  state,
  deadline: isoOrNull(deadlineMs),
  reason,
  steps: [...steps],
})

const patch = record.openapi({
  description:
    'Merge patch (RFC 7386) over the overlay: settings as in config.yaml; null takes one back to config.yaml.',
})
const ifMatch = z.object({
  'if-match': z.string().optional().openapi({ description: 'ETag of the configuration that was read.' }),
})

export interface ConfigRouteOptions {
  readonly clock: Pick<Clock, 'after'>
  readonly runtime: Runtime
}

/** The changes of a patch for the record: of what is effective, where secrets are hidden already. */
const notes = async (runtime: Pick<Runtime, 'describeConfig'>) => (await runtime.describeConfig()).config

export function configRoutes({ runtime, clock }: ConfigRouteOptions) {
  const app = createApi()
  const changes: ConfigChanges = runtime.changes

  app.openapi(
    createRoute({
      ...operation({
        id: 'config.show',
        access: 'operator',
        summary: 'Shows the effective configuration without secrets, and where each value comes from.',
        sensitive: true,
      }),
      method: 'get',
      path: '/config',
      responses: {
        200: {
          ...reply(
            'The configuration.',
            z.object({ config: record, sources: z.record(z.string(), z.string()), pending: z.string().nullable() }),
          ),
          headers: z.object({ ETag: z.string() }),
        },
      },
    }),
    async (c) => {
      const { config, sources } = await runtime.describeConfig()
      c.header('ETag', changes.overlay.etag)
      return c.json({ config: config as Record<string, unknown>, sources, pending: changes.pending?.id ?? null }, 200)
    },
  )
  app.openapi(
    createRoute({
      ...operation({
        id: 'config.patch',
        access: 'admin',
        summary: 'Lays a change over config.yaml, in the overlay, and applies it.',
        errors: [409, 412, 428],
      }),
      method: 'patch',
      path: '/config',
      request: { headers: ifMatch, ...body(patch) },
      responses: { 200: reply('It is in force.', Change) },
    }),
    async (c) => {
      const etag = c.req.valid('header')['if-match']
      if (etag === undefined) throw adminError('ADMIN_PRECONDITION_REQUIRED')
      checkPatch(changes.overlay.value, c.req.valid('json'))
      await checkNames(c.req.valid('json'), clock)
      const before = await notes(runtime)
      const change = await changes.apply(c.req.valid('json'), { by: c.var.principal.name, etag })
      Object.assign(c.var.note, { target: change.id, before, after: await notes(runtime) })
      c.header('ETag', changes.overlay.etag)
      return c.json(shown(change), 200)
    },
  )
  app.openapi(
    createRoute({
      ...operation({
        id: 'config.plan',
        access: 'operator',
        summary: 'Says what a change would do, and changes nothing.',
        readOnly: true,
      }),
      method: 'post',
      path: '/config/plan',
      request: body(z.strictObject({ patch })),
      responses: {
        200: reply('What it would do.', z.object({ etag: z.string(), steps: z.array(StepSchema) })),
      },
    }),
    async (c) => {
      const { patch: wanted } = c.req.valid('json')
      checkPatch(changes.overlay.value, wanted)
      const { etag, steps } = await changes.plan(wanted)
      return c.json({ etag, steps: [...steps] }, 200)
    },
  )
  app.openapi(
    createRoute({
      ...operation({
        id: 'config.apply',
        access: 'admin',
        summary: 'Applies a change that takes itself back unless it is confirmed.',
        errors: [412],
      }),
      method: 'post',
      path: '/config/apply',
      request: body(
        z.strictObject({
          patch,
          etag: z.string().optional().describe('Of the plan; refuses the change when somebody else was faster.'),
          confirm_within_seconds: z.number().min(1).max(3_600).default(60),
        }),
      ),
      responses: { 200: reply('It is in force until its deadline.', Change) },
    }),
    async (c) => {
      const { patch: wanted, etag, confirm_within_seconds: seconds } = c.req.valid('json')
      checkPatch(changes.overlay.value, wanted)
      await checkNames(wanted, clock)
      const before = await notes(runtime)
      const options = { by: c.var.principal.name, confirmWithinMs: seconds * 1_000 }
      const change = await changes.apply(wanted, { ...options, ...(etag !== undefined && { etag }) })
      Object.assign(c.var.note, { target: change.id, before, after: await notes(runtime) })
      return c.json(shown(change), 200)
    },
  )
  const byId = z.object({ id: idParam('Id of the change.') })
  app.openapi(
    createRoute({
      ...operation({
        id: 'config.changes',
        access: 'operator',
        summary: 'Lists the changes made since the start, newest first.',
      }),
      method: 'get',
      path: '/config/changes',
      responses: { 200: reply('The changes.', z.object({ changes: z.array(Change) })) },
    }),
    (c) => c.json({ changes: changes.history.map(shown) }, 200),
  )
  app.openapi(
    createRoute({
      ...operation({ id: 'config.confirm', access: 'admin', summary: 'Lets a change stand.' }),
      method: 'post',
      path: '/config/changes/{id}/confirm',
      request: { params: byId },
      responses: { 200: reply('It stands.', Change) },
    }),
    (c) => c.json(shown(changes.confirm(c.req.valid('param').id)), 200),
  )
  app.openapi(
    createRoute({
      ...operation({ id: 'config.rollback', access: 'admin', summary: 'Takes a change back.' }),
      method: 'post',
      path: '/config/changes/{id}/rollback',
      request: { params: byId },
      responses: { 200: reply('It is taken back.', Change) },
    }),
    async (c) => c.json(shown(await changes.rollback(c.req.valid('param').id)), 200),
  )
  app.openapi(
    createRoute({
      ...operation({ id: 'config.reload', access: 'admin', summary: 'Reads config.yaml and the overlay again.' }),
      method: 'post',
      path: '/reload',
      responses: { 200: reply('What it did.', z.object({ steps: z.array(StepSchema) })) },
    }),
    async (c) => c.json({ steps: [...(await runtime.reload())] }, 200),
  )
  return app
}
