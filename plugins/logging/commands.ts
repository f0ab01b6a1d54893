import { type Contribution, type ControlCommand, controlCommand, duration, levels, z } from '../../core/plugin.ts'
import type { Logging } from './api.ts'
import { rootLogger } from './levels/level-tree.ts'

const logger = z.string().min(1).max(256).optional()

export const logCommands = (logging: Logging): Contribution<ControlCommand>[] => [
  // Without a level the command lists; null removes the level.
  controlCommand({
    name: 'logs.level',
    args: z
      .strictObject({
        logger,
        level: z.enum(levels).nullable().optional(),
        for: duration({ min: '1s', max: '1w' }).optional(),
      })
      .refine((args) => args.level !== undefined || args.for === undefined, {
        path: ['for'],
        message: 'expected a level beside it',
      }),
    changes: ({ level }) => level !== undefined,
    run({ logger, level, for: forMs }) {
      if (level !== undefined) logging.setLevel(logger ?? rootLogger, level, forMs)
      return { loggers: logging.levels().filter((each) => logger === undefined || each.logger === logger) }
    },
  }),
  controlCommand({
    name: 'logs.recent',
    args: z.strictObject({
      limit: z.int().min(1).max(1_000).default(100),
      level: z.enum(levels).optional(),
      logger,
      contains: z.string().min(1).max(200).optional(),
    }),
    run: (options) => ({ entries: logging.recent(options) }),
  }),
]
