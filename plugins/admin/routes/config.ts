/** The effective configuration, and changes of the overlay, which are rolled back unless they are confirmed. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { AppliedChange, Clock, Runtime } from '../../../core/plugin.ts'
import type { AdminEnv } from '../api.ts'
import { adminError } from '../errors.ts'
import { checkNames } from '../guard/patch-names.ts'
import { checkPatch } from '../guard/patch-policy.ts'
import { body, idParam, ifMatch, iso, isoOrNull, nullableTime, record, reply, tagged, time } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'
import { StepSchema } from './plugins.ts'
import { withoutSet } from './recorded-change.ts'

const Change = z
  .object({
    id: z.string(),
    by: z.string(),
    at: time,
    state: z.enum(['applied', 'awaiting-confirmation', 'confirmed', 'rolled-back']),
    deadline: nullableTime.describe('When the change is rolled back unless it is confirmed.'),
    reason: z
      .string()
      .describe(
        'Why the change is rolled back. With the state awaiting-confirmation: the rollback is in progress, or failed.',
      ),
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
    'Merge patch (RFC 7386) over the overlay: settings as in config.yaml; null restores the value of config.yaml.',
})

export function configRoutes(runtime: Runtime, clock: Pick<Clock, 'after'>) {
  const { app, route } = createRoutes()
  const { changes } = runtime
  /** The effective configuration for the record: secrets are hidden there already. */
  const effective = async () => (await runtime.describeConfig()).config
  const apply = async (c: Context<AdminEnv>, wanted: Record<string, unknown>, options: object) => {
    checkPatch(changes.overlay.value, wanted)
    await checkNames(wanted, clock)
    const before = await effective()
    const change = await changes.apply(wanted, { by: c.var.principal.name, ...options })
    const after = await effective()
    Object.assign(c.var.note, { target: change.id, before: withoutSet(before, after, wanted), after })
    return shown(change)
  }

  route(
    'get /config',
    'Shows the effective configuration without secrets, and where each value comes from.',
    { id: 'config.show', access: 'operator', sensitive: true },
    {
      200: tagged(
        'The configuration.',
        z.object({ config: record, sources: z.record(z.string(), z.string()), pending: z.string().nullable() }),
      ),
    },
    async (c) => {
      const { config, sources } = await runtime.describeConfig()
      c.header('ETag', changes.overlay.etag)
      return { config: config as Record<string, unknown>, sources, pending: changes.pending?.id ?? null }
    },
  )
  route(
    'patch /config',
    'Writes a change to the overlay, and applies the change.',
    { id: 'config.patch', access: 'admin', errors: [409, 412, 428] },
    { headers: ifMatch('the configuration that was read'), ...body(patch), 200: reply('The change.', Change) },
    async (c) => {
      const etag = c.req.valid('header')['if-match']
      if (etag === undefined) throw adminError('ADMIN_PRECONDITION_REQUIRED')
      const change = await apply(c, c.req.valid('json'), { etag })
      c.header('ETag', changes.overlay.etag)
      return change
    },
  )
  route(
    'post /config/plan',
    'Shows the plan of a change, and changes nothing.',
    { id: 'config.plan', access: 'operator', readOnly: true },
    {
      ...body(z.strictObject({ patch })),
      200: reply('The plan.', z.object({ etag: z.string(), steps: z.array(StepSchema) })),
    },
    async (c) => {
      const { patch: wanted } = c.req.valid('json')
      checkPatch(changes.overlay.value, wanted)
      const { etag, steps } = await changes.plan(wanted)
      return { etag, steps: [...steps] }
    },
  )
  route(
    'post /config/apply',
    'Applies a change that is rolled back unless it is confirmed.',
    { id: 'config.apply', access: 'admin', errors: [412] },
    {
      ...body(
        z.strictObject({
          patch,
          etag: z.string().optional().describe('ETag of the plan; an older one refuses the change.'),
          confirm_within_seconds: z.number().min(1).max(3_600).default(60),
        }),
      ),
      200: reply('The change is applied until its deadline.', Change),
    },
    (c) => {
      const { patch: wanted, etag, confirm_within_seconds: seconds } = c.req.valid('json')
      return apply(c, wanted, { confirmWithinMs: seconds * 1_000, ...(etag !== undefined && { etag }) })
    },
  )
  const byId = z.object({ id: idParam('Id of the change.') })
  route(
    'get /config/changes',
    'Lists the changes made since the start, newest first.',
    { id: 'config.changes', access: 'operator' },
    { 200: reply('The changes.', z.object({ changes: z.array(Change) })) },
    () => ({ changes: changes.history.map(shown) }),
  )
  route(
    'post /config/changes/{id}/confirm',
    'Confirms a change.',
    { id: 'config.confirm', access: 'admin' },
    { params: byId, 200: reply('The change is confirmed.', Change) },
    (c) => shown(changes.confirm(c.req.valid('param').id)),
  )
  route(
    'post /config/changes/{id}/rollback',
    'Rolls a change back.',
    { id: 'config.rollback', access: 'admin' },
    { params: byId, 200: reply('The change is rolled back.', Change) },
    async (c) => shown(await changes.rollback(c.req.valid('param').id)),
  )
  route(
    'post /reload',
    'Reads config.yaml and the overlay again.',
    { id: 'config.reload', access: 'admin' },
    { 200: reply('The steps that were taken.', z.object({ steps: z.array(StepSchema) })) },
    async () => ({ steps: [...(await runtime.reload())] }),
  )
  return app
}
