/** The levels set at run time, each with the time at which the level ends by itself. */
import { type Cancel, type Clock, type Level, type Logger, levels } from '../../../core/plugin.ts'
import type { LoggerLevel } from '../api.ts'
import { logError } from '../errors.ts'
import { type LevelTree, rootLogger } from './level-tree.ts'

const maxOverrides = 256
/** The longest delay that a timer takes. */
const maxForMs = 2 ** 31 - 1

/** @param log gets a line for each change, and for each level that ends */
export function createLevelControl(tree: LevelTree, clock: Clock, log: Logger) {
  const reverts = new Map<string, { atMs: number; cancel: Cancel; before: Level | null | undefined }>()

  const revert = (logger: string, before: Level | null | undefined) => {
    reverts.delete(logger)
    if (before === undefined) tree.revert(logger)
    else tree.override(logger, before)
    log.info('log level reverted', { target: logger, effective: tree.effective(logger) })
  }

  return {
    set(logger: string, level: Level | null, forMs?: number): void {
      const invalid = (what: string) => logError('LOG_LEVEL_INVALID', { action: `set the level of ${logger}`, what })
      if (logger === '' || logger.length > 256) throw invalid('a logger has a name of 1 to 256 characters')
      if (level !== null && !levels.includes(level)) throw invalid(`there is no level ${JSON.stringify(level)}`)
      if (forMs !== undefined && !(forMs > 0 && forMs <= maxForMs)) {
        throw invalid(`a level can hold for 1 ms to ${maxForMs} ms, got ${forMs}`)
      }
      if (!tree.overrides.has(logger) && tree.overrides.size >= maxOverrides) {
        throw logError('LOG_LEVEL_LIMIT', { logger, limit: maxOverrides })
      }
      const pending = reverts.get(logger)
      pending?.cancel()
      reverts.delete(logger)
      const before = pending === undefined ? tree.overrides.get(logger) : pending.before
      tree.revert(logger)
      if (level !== null || (logger !== rootLogger && tree.configuredOf(logger) !== undefined)) {
        tree.override(logger, level)
      }
      if (forMs !== undefined) {
        const cancel = clock.after(forMs, () => revert(logger, before))
        reverts.set(logger, { atMs: clock.now() + forMs, cancel, before })
      }
      log.info('log level set', { target: logger, set: level, effective: tree.effective(logger), forMs })
    },
    /** @param seen names of loggers that have written */
    list: (seen: Iterable<string>): LoggerLevel[] =>
      [...new Set([...tree.names(), ...seen])].map((logger) => {
        const pending = reverts.get(logger)
        return {
          logger,
          configured: tree.configuredOf(logger),
          effective: tree.effective(logger),
          ...(pending && { revertsAtMs: pending.atMs }),
        }
      }),
  }
}
