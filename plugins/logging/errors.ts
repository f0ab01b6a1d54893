import { defineErrors } from '../../core/plugin.ts'

export const logError = defineErrors('logging', {
  LOG_LEVEL_INVALID: {
    message: 'cannot {action}: {what}',
    help: 'Use trace, debug, info, warn, error or fatal, null (command line: `reset`) to inherit, a duration as 15m.',
  },
  LOG_LEVEL_LIMIT: {
    message: 'cannot set the level of {logger}: {limit} loggers have a level set at run time already',
    help: 'Remove levels that are no longer needed (level null), or set one on a common prefix.',
  },
  LOG_TAIL_LIMIT: {
    status: 503,
    message: 'cannot follow the log: {limit} tails are open already',
    help: 'Close a tail that is no longer needed.',
  },
})
