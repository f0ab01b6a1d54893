/** Log lines and levels. */
import { z } from '@hono/zod-openapi'
import { levels } from '../../../core/plugin.ts'
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

const Lines = z.object({
  logs: z.array(Entry),
  ...{ limit: z.int(), level_filter: z.enum(levels).nullable(), count: z.int(), timestamp },
})

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
      .map(({ logger, configured = null, effective, revertsAtMs }) => {
        return { name: logger, configured, effective, reverts_at: isoOrNull(revertsAtMs) }
      })
  // A logger that logged for the first time is not a change of levels.
  const etag = () => etagOf(shown().filter(({ configured }) => configured !== null))

  route(
    'get /logs/recent',
    'Shows the newest log lines kept in memory, newest first.',
    { id: 'logs.recent', access: 'viewer', plugin: 'logging' },
    {
      query: z.object({
        limit: number(1, 1_000, 100, 'Lines at most.'),
        level: z.enum(levels).optional().openapi({ description: 'At least this level.' }),
        logger: z.string().max(128).optional().openapi({ description: 'This logger and its children.' }),
        contains: z.string().max(200).optional().openapi({ description: 'Only lines with this text.' }),
      }),
      200: reply('The lines.', Lines),
    },
    (c) => {
      const { limit, level, logger, contains } = c.req.valid('query')
      const filter = { ...(level && { level }), ...(logger && { logger }), ...(contains && { contains }) }
      const logs = need()
        .recent({ ...filter, limit })
        .toReversed()
        .map((entry) => {
          const line = parseLine(entry.line)
          const { sequence: id, level, logger } = entry
          return { id, level, logger, message: String(line.message ?? ''), timestamp: iso(entry.timeMs), line }
        })
      return { logs, limit, level_filter: level ?? null, count: logs.length, timestamp: iso(now()) }
    },
  )
  route(
    'get /loggers',
    'Lists the loggers and their levels.',
    { id: 'loggers.list', access: 'viewer', plugin: 'logging' },
    { 200: tagged('The loggers.', z.object({ loggers: z.array(Logger) })) },
    (c) => {
      c.header('ETag', etag())
      return { loggers: shown() }
    },
  )
  route(
    'put /loggers/{name}',
    'Sets the level of a logger, for a time where one is given.',
    { id: 'loggers.set', access: 'operator', errors: [412], plugin: 'logging' },
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
