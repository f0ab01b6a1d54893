/** The audit log, for auditors. */
import { z } from '@hono/zod-openapi'
import type { Audit } from '../../audit/api.ts'
import { anything, body, cursor, nextCursor, number, reply, time } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'

const Record = z
  .object({
    seq: z.int(),
    time,
    principal: z.object({ name: z.string(), role: z.string() }),
    action: z.string(),
    target: z.string().optional(),
    method: z.string().optional(),
    route: z.string().optional(),
    from: z.string(),
    requestId: z.string(),
    outcome: z.string(),
    of: z.int().optional(),
    changes: z
      .array(z.object({ path: z.string(), before: anything.optional(), after: anything.optional() }))
      .optional(),
    truncated: z.literal(true).optional(),
  })
  .openapi('AuditRecord')

const Verdict = z.object({
  ok: z.boolean(),
  checked: z.int(),
  first: z.int(),
  last: z.int(),
  problem: z.object({ seq: z.int(), what: z.string() }).optional(),
})

export function auditRoutes(audit: Audit) {
  const { app, route } = createRoutes()
  route(
    'get /audit',
    'Shows records, newest first.',
    { id: 'audit.list', access: 'auditor', sensitive: true },
    {
      query: z.object({
        limit: number(1, 1_000, 100, 'Records in a page.'),
        cursor,
        principal: z.string().max(200).optional(),
        action: z.string().max(100).optional(),
      }),
      200: reply('The records.', z.object({ records: z.array(Record), next: nextCursor })),
    },
    async (c) => {
      const { limit, cursor: before, principal, action } = c.req.valid('query')
      const filter = { ...(principal && { principal }), ...(action && { action }), ...(before && { before }) }
      const records = await audit.page({ limit, ...filter })
      return { records: records as never[], next: records.length === limit ? String(records.at(-1)!.seq) : null }
    },
  )
  route(
    'get /audit/verify',
    'Checks that no record was changed, moved or removed.',
    { id: 'audit.verify', access: 'auditor', sensitive: true },
    { 200: reply('The verdict.', Verdict) },
    () => audit.verify(),
  )
  route(
    'post /audit/hash',
    'Shows the hash that replaces a secret in records.',
    { id: 'audit.hash', access: 'auditor', readOnly: true, sensitive: true },
    {
      ...body(z.strictObject({ value: z.string().min(1).max(4_096) })),
      200: reply('The hash.', z.object({ hash: z.string() })),
    },
    (c) => ({ hash: audit.hashOf(c.req.valid('json').value) }),
  )
  route(
    'get /audit/export',
    'Exports all records as JSON lines, signed.',
    { id: 'audit.export', access: 'auditor', sensitive: true },
    { 200: { description: 'The export.', content: { 'application/jsonl': { schema: z.string() } } } },
    (c) => {
      const lines = audit.export()[Symbol.asyncIterator]()
      const encoder = new TextEncoder()
      const stream = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { done, value } = await lines.next()
          if (done) controller.close()
          else controller.enqueue(encoder.encode(value))
        },
        cancel: () => void lines.return?.(),
      })
      const headers = {
        'content-type': 'application/jsonl',
        'content-disposition': 'attachment; filename="audit.jsonl"',
      }
      return c.body(stream, 200, headers)
    },
  )
  return app
}
