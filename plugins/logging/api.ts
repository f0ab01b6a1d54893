/** What other plugins and embedding applications may use of logging. */
import { type Level, type Logger, service } from '../../core/plugin.ts'

/** A line as it was written, redacted. */
export interface LogEntry {
  /** Counts lines from 1; a gap in what a tail gets is what it missed or filtered. */
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
  /** This logger and those below it: `health` takes `health.postgres` too. */
  readonly logger?: string
  /** Only lines that contain this text. */
  readonly contains?: string
}

export interface RecentOptions extends LogFilter {
  /** At most so many, the newest ones. @default all that are kept */
  readonly limit?: number
}

/** The level of one logger. */
export interface LoggerLevel {
  /** `root`, or a dotted name. */
  readonly logger: string
  /** Set in config.yaml or at run time; undefined where it follows its parent. */
  readonly configured: Level | undefined
  /** What is in force, by the longest prefix that has one. */
  readonly effective: Level
  /** Epoch milliseconds at which a level set at run time ends by itself. */
  readonly revertsAtMs?: number
}

/** A running live tail. */
export interface Tail {
  /** Lines that it lost since its listener was too slow. */
  readonly dropped: number
  stop(): void
}

/** Gets lines in batches; while its promise is pending the next ones wait in a bounded buffer. */
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
   * @param logger `root` or a dotted name; those below follow unless they have a level of their own
   * @param level null takes the level away, so that the logger follows its parent
   * @param forMs after so many milliseconds the level of before is back
   * @throws LOG_LEVEL_INVALID, LOG_LEVEL_LIMIT
   */
  setLevel(logger: string, level: Level | null, forMs?: number): void
  /** Every logger that is configured or has written, with its level. */
  levels(): readonly LoggerLevel[]
  /** The lines kept in memory, oldest first. */
  recent(options?: RecentOptions): readonly LogEntry[]
  /** Follows the lines from now on. @throws LOG_TAIL_LIMIT */
  tail(listener: TailListener, filter?: LogFilter): Tail
  /** Resolves when every line written so far is out, or its sink has given up. */
  flush(): Promise<void>
  /** Writes out, at once and on this thread, whatever waits. For the last moments of a process. */
  flushSync(): void
}
export const Logging = service<Logging>('logging')
