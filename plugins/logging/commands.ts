import { type Contribution, type ControlCommand, controlCommand, type Level, parseDuration } from '../../core/plugin.ts'
import type { LogFilter, Logging } from './api.ts'
import { isLevel } from './engine.ts'
import { logError } from './errors.ts'
import { rootLogger } from './levels/level-tree.ts'

const defaultLimit = 100
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** `{}` lists; `{ logger, level, for }` sets, level null removes. @throws LOG_LEVEL_INVALID, LOG_LEVEL_LIMIT */
function runLevel(logging: Logging, args: Readonly<Record<string, unknown>>): unknown {
  const { level, for: duration } = args
  if (level !== undefined) {
    const logger = text(args.logger) ?? rootLogger
    const forMs = duration === undefined ? undefined : parseDuration(String(duration))
    if (duration !== undefined && forMs === undefined) {
      const what = `a duration is written 15m, got ${JSON.stringify(duration)}`
      throw logError('LOG_LEVEL_INVALID', { action: `set the level of ${logger}`, what })
    }
    logging.setLevel(logger, level as Level | null, forMs)
  }
  const wanted = text(args.logger)
  const all = logging.levels()
  return { loggers: wanted === undefined ? all : all.filter(({ logger }) => logger === wanted) }
}

/** `{ limit, level, logger, contains }` */
function runRecent(logging: Logging, args: Readonly<Record<string, unknown>>): unknown {
  const limit = Number(args.limit ?? defaultLimit)
  if (args.level !== undefined && !isLevel(args.level)) {
    const what = `there is no level ${JSON.stringify(args.level)}`
    throw logError('LOG_LEVEL_INVALID', { action: 'show the lines of a level', what })
  }
  const filter: LogFilter = { level: args.level, logger: text(args.logger), contains: text(args.contains) }
  return { entries: logging.recent({ ...filter, limit: Number.isFinite(limit) ? Math.max(0, limit) : defaultLimit }) }
}

export const logCommands = (logging: Logging): Contribution<ControlCommand>[] => [
  controlCommand({
    name: 'logs.level',
    changes: ({ level }) => level !== undefined,
    run: (args) => runLevel(logging, args),
  }),
  controlCommand({ name: 'logs.recent', run: (args) => runRecent(logging, args) }),
]
