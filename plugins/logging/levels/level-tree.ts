/** The levels by logger name, a name follows its longest prefix with a level; and the filter of lines. Pure. */
import { type Level, levels } from '../../../core/plugin.ts'
import type { LogEntry, LogFilter } from '../api.ts'

/** The name of the root, above every logger. */
export const rootLogger = 'root'

const ranks: Readonly<Record<Level, number>> = Object.fromEntries(levels.map((level, rank) => [level, rank])) as Record<
  Level,
  number
>

/** @returns 0 for trace to 5 for fatal */
export const rankOf = (level: Level): number => ranks[level]

/** Names whose level is remembered between lines. */
const maxCached = 4_096

export class LevelTree {
  #root: Level = 'info'
  #configured: Readonly<Record<string, Level>> = {}
  /** Set at run time; null hides the configured level. */
  readonly #overrides = new Map<string, Level | null>()
  readonly #cache = new Map<string, number>()

  /** Takes the levels of config.yaml. Levels set at run time stay. */
  configure(root: Level, loggers: Readonly<Record<string, Level>>): void {
    this.#root = root
    this.#configured = loggers
    this.#cache.clear()
  }

  override(logger: string, level: Level | null): void {
    this.#overrides.set(logger, level)
    this.#cache.clear()
  }

  revert(logger: string): void {
    this.#overrides.delete(logger)
    this.#cache.clear()
  }

  get overrides(): ReadonlyMap<string, Level | null> {
    return this.#overrides
  }

  /** The level of this name itself, without its parents. */
  configuredOf(logger: string): Level | undefined {
    const override = this.#overrides.get(logger)
    if (override !== undefined) return override ?? undefined
    if (logger === rootLogger) return this.#root
    return Object.hasOwn(this.#configured, logger) ? this.#configured[logger] : undefined
  }

  /** Names with a level, the root first. */
  names(): string[] {
    return [...new Set([rootLogger, ...Object.keys(this.#configured), ...this.#overrides.keys()])]
  }

  effective(logger: string): Level {
    for (let name = logger; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
      const level = this.configuredOf(name)
      if (level !== undefined) return level
    }
    return this.configuredOf(rootLogger) ?? this.#root
  }

  /** Whether a line passes. A map look-up. */
  isEnabled(level: Level, logger: string): boolean {
    let threshold = this.#cache.get(logger)
    if (threshold === undefined) {
      threshold = rankOf(this.effective(logger))
      if (this.#cache.size >= maxCached) this.#cache.clear()
      this.#cache.set(logger, threshold)
    }
    return ranks[level] >= threshold
  }
}

/** @returns whether an entry matches every part of the filter */
export function createFilter({ level, logger, contains }: LogFilter): (entry: LogEntry) => boolean {
  const rank = level === undefined ? 0 : rankOf(level)
  const below = logger === undefined || logger === rootLogger ? undefined : `${logger}.`
  return (entry) =>
    rankOf(entry.level) >= rank &&
    (below === undefined || entry.logger === logger || entry.logger.startsWith(below)) &&
    (contains === undefined || entry.line.includes(contains))
}
