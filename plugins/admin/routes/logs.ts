/** Log lines and levels. */
import { z } from '@hono/zod-openapi'
import type { Logging } from '../../logging/api.ts'
import { adminError, required } from '../errors.ts'
import {
  body,
  etagOf,
  ifMatch,
  iso,
  isoOrNull,
  nameParam,
  nullableTime,
  number,
  reply,
  tagged,
  time,
  timestamp,
} from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'

export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

const Entry = z.object({
  id: z.int().describe('Counts lines; a gap stands for lines that were left out.'),
  level: z.enum(levels),
  logger: z.string(),
  message: z.string(),
  timestamp: time,
  line: z.record(z.string(), z.unknown()).describe('The whole line.'),
})
const Logger = z
  .object({
    name: z.string(),
    configured: z.enum(levels).nullable(),
    effective: z.enum(levels),
    reverts_at: nullableTime,
  })
  .openapi('Logger')

export function parseLine(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return { message: line }
  }
}

/** @param logging undefined while the plugin is off */
export function logRoutes(logging: Logging | undefined, now: () => number) {
  const { app, route } = createRoutes()
  const need = () => required(logging, 'logging')
  const shown = () =>
    need()
      .levels()
      .map(({ logger, configured, effective, revertsAtMs }) => ({
        name: logger,
        configured: configured ?? null,
        effective,
        reverts_at: isoOrNull(revertsAtMs),
      }))
  // A logger that logged for the first time is not a change of levels.
  const etag = () => etagOf(shown().filter(({ configured }) => configured !== null))

  route(
    'get /logs/recent',
    {
      id: 'logs.recent',
      access: 'viewer',
      summary: 'Shows the newest log lines kept in memory, newest first.',
      plugin: 'logging',
    },
    {
      query: z.object({
        limit: number(1, 1_000, 100, 'Lines at most.'),
        level: z.enum(levels).optional().openapi({ description: 'At least this level.' }),
        logger: z.string().max(128).optional().openapi({ description: 'This logger and its children.' }),
        contains: z.string().max(200).optional().openapi({ description: 'Only lines with this text.' }),
      }),
      200: reply(
        'The lines.',
        z.object({
          logs: z.array(Entry),
          limit: z.int(),
          level_filter: z.enum(levels).nullable(),
          count: z.int(),
          timestamp,
        }),
      ),
    },
    (c) => {
      const { limit, level, logger, contains } = c.req.valid('query')
      const filter = { ...(level && { level }), ...(logger && { logger }), ...(contains && { contains }) }
      const logs = need()
        .recent({ ...filter, limit })
        .toReversed()
        .map((entry) => {
          const line = parseLine(entry.line)
          return {
            id: entry.sequence,
            level: entry.level,
            logger: entry.logger,
            message: String(line.message ?? ''),
            timestamp: iso(entry.timeMs),
            line,
          }
        })
      return { logs, limit, level_filter: level ?? null, count: logs.length, timestamp: iso(now()) }
    },
  )
  route(
    'get /loggers',
    { id: 'loggers.list', access: 'viewer', summary: 'Lists the loggers and their levels.', plugin: 'logging' },
    { 200: tagged('The loggers.', z.object({ loggers: z.array(Logger) })) },
    (c) => {
      c.header('ETag', etag())
      return { loggers: shown() }
    },
  )
  route(
    'put /loggers/{name}',
    {
      id: 'loggers.set',
      access: 'operator',
      errors: [412],
      summary: 'Sets the level of a logger, for a time where one is given.',
      plugin: 'logging',
    },
    {
      params: z.object({ name: nameParam('Name of the logger; `root` is all.') }),
      headers: ifMatch('the list of loggers'),
      ...body(
        z.strictObject({
          level: z.enum(levels).nullable().describe('null removes the level.'),
          for_seconds: z.number().min(1).max(604_800).optional().describe('Until the earlier level is restored.'),
        }),
      ),
      200: reply('The loggers.', z.object({ loggers: z.array(Logger) })),
    },
    (c) => {
      const seen = c.req.valid('header')['if-match']
      const current = etag()
      if (seen !== undefined && seen !== current) throw adminError('ADMIN_PRECONDITION', { seen, current })
      const { name } = c.req.valid('param')
      const { level, for_seconds: seconds } = c.req.valid('json')
      const levelOf = () => shown().find((logger) => logger.name === name)?.effective ?? null
      const before = levelOf()
      need().setLevel(name, level, seconds === undefined ? undefined : seconds * 1_000)
      const after = { level: levelOf(), for_seconds: seconds ?? null }
      Object.assign(c.var.note, { before: { level: before }, after })
      c.header('ETag', etag())
      return { loggers: shown() }
    },
  )
  return app
}
