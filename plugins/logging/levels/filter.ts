/** The filter of lines for a reader. Pure. */
import type { LogEntry, LogFilter } from '../api.ts'
import { rankOf, rootLogger } from './level-tree.ts'

/** @returns whether an entry matches every part of the filter */
export function createFilter({ level, logger, contains }: LogFilter): (entry: LogEntry) => boolean {
  const rank = level === undefined ? 0 : rankOf(level)
  const below = logger === undefined || logger === rootLogger ? undefined : `${logger}.`
  return (entry) =>
    rankOf(entry.level) >= rank &&
    (below === undefined || entry.logger === logger || entry.logger.startsWith(below)) &&
    (contains === undefined || entry.line.includes(contains))
}
