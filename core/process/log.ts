/** The logger that every plugin gets: a facade over the logging plugin's sink, JSON lines to stderr without one. */
import type { Clock } from '../contract/clock.ts'
import { disown, isThenable } from '../contract/foreign/calls.ts'
import { type Level, type LogFields, type Logger, type LogSink, levels } from '../contract/logger.ts'
import { createRedactor, redactName } from '../contract/redact/redactor.ts'
import { createLogLine } from './log-line.ts'

/** The file whose frames stand between a line of the log and its caller: no other of core may. */
export const loggerFile = import.meta.path

/** JSON lines at `info` and above to a stream while no logging plugin is up, bounded and redacted as its lines. */
export function fallbackSink(write: (line: string) => void = (line) => process.stderr.write(line)): LogSink {
  const encode = createLogLine(createRedactor())
  return {
    isEnabled: (level) => levels.indexOf(level) >= levels.indexOf('info'),
    write: (record) => write(encode(record)),
  }
}

/** @throws what the sink throws, and TypeError for an answer that is neither true nor false */
function isEnabled(sink: LogSink, level: Level, logger: string): boolean {
  const answer: unknown = sink.isEnabled(level, logger)
  if (typeof answer === 'boolean') return answer
  disown(answer)
  throw new TypeError('isEnabled of a log sink returned neither true nor false')
}

/** Holds the sink and makes loggers. An error of the sink goes to `onFault`, the line to the fallback. */
export class LogHub {
  sink: LogSink
  onFault: (error: unknown) => void = () => {}
  #isFaulting = false
  constructor(
    private readonly clock: Clock,
    readonly fallback: LogSink = fallbackSink(),
  ) {
    this.sink = fallback
  }

  #write(level: Level, logger: string, message: string, fields: LogFields | undefined): void {
    const { sink } = this
    const record = () => ({ timeMs: this.clock.now(), level, logger, message, ...(fields && { fields }) })
    const failed = (error: unknown) => {
      this.fallback.write(record())
      this.#failed(error)
    }
    try {
      const returned: unknown = isEnabled(sink, level, logger) ? sink.write(record()) : undefined
      if (isThenable(returned)) void Promise.resolve(returned).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #isEnabled(level: Level, logger: string): boolean {
    try {
      return isEnabled(this.sink, level, logger)
    } catch (error) {
      this.#failed(error)
      return this.fallback.isEnabled(level, logger)
    }
  }

  #failed(error: unknown): void {
    // The line about the fault goes through the same sink.
    if (this.#isFaulting) return
    this.#isFaulting = true
    this.onFault(error)
    this.#isFaulting = false
  }

  logger(given: string): Logger {
    const name = redactName(given)
    const at = (level: Level) => (message: string, fields?: LogFields) => this.#write(level, name, message, fields)
    const methods = Object.fromEntries(levels.map((level) => [level, at(level)])) as Pick<Logger, Level>
    return {
      ...methods,
      child: (part) => this.logger(`${name}.${part}`),
      isEnabled: (level) => this.#isEnabled(level, name),
    }
  }
}
