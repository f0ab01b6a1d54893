/** The interface of logging for other plugins and embedding applications. */
import { type Level, type Logger, service } from '../../core/plugin.ts'

/** A written line, redacted. */
export interface LogEntry {
  /** Counts lines from 1; a gap in a tail is a line that the tail lost or filtered. */
  readonly sequence: number
  /** Epoch milliseconds. */
  readonly timeMs: number
  readonly level: Level
  readonly logger: string
  /** The whole line as JSON, without its line end. */
  readonly line: string
}

export interface LogFilter {
  /** At least this level. */
  readonly level?: Level
  /** This logger and those below: `health` covers `health.postgres`, too. */
  readonly logger?: string
  /** Only lines that contain this text. */
  readonly contains?: string
}

export interface RecentOptions extends LogFilter {
  /** At most so many, the newest ones. @default all kept lines */
  readonly limit?: number
}

/** The level of one logger. */
export interface LoggerLevel {
  /** `root`, or a dotted name. */
  readonly logger: string
  /** Set in config.yaml or at run time; undefined where the logger follows its parent. */
  readonly configured: Level | undefined
  /** The level in force, by the longest prefix with a level. */
  readonly effective: Level
  /** Epoch milliseconds at which a level set at run time ends. */
  readonly revertsAtMs?: number
}

/** A running live tail. */
export interface Tail {
  /** Lines lost since the listener was too slow. */
  readonly dropped: number
  stop(): void
}

/** Gets lines in batches; while the returned promise is pending, the next lines wait in a bounded buffer. */
export type TailListener = (entries: readonly LogEntry[], dropped: number) => void | Promise<void>

/** A Hono context, or anything else that carries the request. */
export type RequestSource = Request | { readonly req: { readonly raw: Request } }

export interface Logging {
  /** A logger of the application, under `name`. @default 'app' */
  logger(name?: string): Logger
  /** A logger whose lines carry `requestId` and `traceId` of this request. @param name @default 'app' */
  log(source: RequestSource, name?: string): Logger
  /**
   * Sets a level at run time.
   * @param logger `root` or a dotted name; loggers below follow unless they have a level
   * @param level null removes the level, so that the logger follows its parent
   * @param forMs after so many milliseconds the previous level returns
   * @throws LOG_LEVEL_INVALID, LOG_LEVEL_LIMIT
   */
  setLevel(logger: string, level: Level | null, forMs?: number): void
  /** Every logger that is configured or has written a line, with its level. */
  levels(): readonly LoggerLevel[]
  /** The lines kept in memory, oldest first. */
  recent(options?: RecentOptions): readonly LogEntry[]
  /** Follows the lines from now on. @throws LOG_TAIL_LIMIT */
  tail(listener: TailListener, filter?: LogFilter): Tail
  /** Resolves when the sinks have written every line so far, or cannot write. */
  flush(): Promise<void>
  /** Writes all waiting lines synchronously. For the last moments of a process. */
  flushSync(): void
}
export const Logging = service<Logging>('logging')
