/** The routes of event streams. */
import { z } from '@hono/zod-openapi'
import { levels } from '../../../core/plugin.ts'
import type { Audit } from '../../audit/api.ts'
import { createRoutes } from '../http/route.ts'
import { openStream, type StreamOptions } from '../streams/event-stream.ts'
import { recordTopic } from '../streams/own-topics.ts'

const eventHeaders = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' }
const defaultTopics = 'metrics,health,status,logs'

export function streamRoutes(options: StreamOptions, audit: Pick<Audit, 'follow'>) {
  const { topics } = options
  const records = { plugin: 'admin', value: recordTopic(audit), fault() {}, hold() {} }
  const { app, route } = createRoutes()
  route(
    'get /stream',
    'Follows metrics, health changes, plugin states and log lines as server-sent events.',
    { id: 'stream.open', access: 'viewer', errors: [503] },
    {
      query: z.object({
        topics: z
          .string()
          .regex(/^[a-z][a-z0-9-]*(,[a-z][a-z0-9-]*)*$/)
          .default(defaultTopics)
          .openapi({ description: `Some of ${topics.names.join(', ')}, with commas between.` }),
        level: z.enum(levels).optional().openapi({ description: 'Log lines of at least this level.' }),
        logger: z.string().max(128).optional().openapi({ description: 'Log lines of this logger and its children.' }),
      }),
      200: { description: 'The events.', content: { 'text/event-stream': { schema: z.string() } } },
    },
    async (c) => {
      const { topics: text, level, logger } = c.req.valid('query')
      const wanted = topics.select(text)
      for (const { value } of wanted) {
        const { access, summary = `Follows ${value.name}.` } = value
        if (access !== 'viewer') await c.var.enter({ id: 'stream.open', access, summary }, c, async () => {})
      }
      const filter = { ...(level && { level }), ...(logger && { logger }) }
      return c.body(openStream(options, wanted, filter, c.var), 200, eventHeaders)
    },
  )
  route(
    'get /audit/stream',
    'Follows the records of the audit log as server-sent events.',
    { id: 'audit.follow', access: 'auditor', sensitive: true, errors: [503] },
    { 200: { description: 'The records.', content: { 'text/event-stream': { schema: z.string() } } } },
    (c) => c.body(openStream(options, [records], {}, c.var), 200, eventHeaders),
  )
  return app
}
