/** The engine of logging: a line is counted, sampled, encoded once, and written to sinks, memory and tails. */
import {
  type Clock,
  createRedactor,
  currentRequest,
  type Level,
  type LogRecord,
  type LogSink,
  levels,
  type RedactOptions,
  type Redactor,
} from '../../core/plugin.ts'
import type { LogEntry } from './api.ts'
import type { LoggingConfig } from './config.ts'
import { createLineEncoder, type LineEncoder, type RequestIds } from './encode/line-encoder.ts'
import { EventCounters } from './event-counters.ts'
import { LevelTree, rankOf } from './levels/level-tree.ts'
import { LiveTails } from './recent/live-tail.ts'
import { RingBuffer } from './recent/ring-buffer.ts'
import { SinkSet } from './sinks/sink-set.ts'
import { StormFilter } from './storm.ts'

/** Digests compare within one process where no key is configured. */
const processKey = crypto.randomUUID()

export const redactOptions = ({ redact }: LoggingConfig): RedactOptions => ({
  extraKeys: redact.keys,
  ...(redact.mode === 'hmac' && { hmacKey: redact.hmacKey ?? processKey }),
})

function requestIds(): RequestIds | undefined {
  const scope = currentRequest()
  return scope && { requestId: scope.id, traceId: scope.traceId }
}

export class LogEngine implements LogSink {
  readonly tree = new LevelTree()
  readonly events = new EventCounters()
  readonly storm = new StormFilter()
  readonly ring = new RingBuffer()
  readonly tails: LiveTails
  readonly sinks: SinkSet
  /** Lines that could not be encoded. */
  failed = 0
  #encode: LineEncoder
  #redactor!: Redactor
  #sequence = 0
  /** Lines of a lower rank are never suppressed. */
  #stormRank = 0
  #running = false

  /** Opens nothing. */
  constructor(
    config: LoggingConfig,
    private readonly clock: Clock,
    dataDir: string,
  ) {
    this.tails = new LiveTails(clock)
    this.sinks = new SinkSet(clock, dataDir)
    this.#encode = this.#use(config)
  }

  #use(config: LoggingConfig): LineEncoder {
    this.tree.configure(config.level, config.loggers)
    this.storm.configure(config.storm.first, config.storm.window)
    this.#stormRank = rankOf(config.storm.level)
    this.ring.resize(config.recent.lines, config.recent.size)
    this.#redactor = createRedactor(redactOptions(config))
    return createLineEncoder({
      redactor: this.#redactor,
      callSite: config.callSite,
      ...(config.context && { currentRequest: requestIds }),
    })
  }

  async configure(config: LoggingConfig): Promise<void> {
    this.#encode = this.#use(config)
    await this.sinks.apply(config)
    this.#running = true
  }

  isEnabled(level: Level, logger: string): boolean {
    return this.tree.isEnabled(level, logger)
  }

  write(record: LogRecord): void {
    try {
      const { level, logger, message, timeMs } = record
      this.events.count(level, this.#redactor.key(logger).name)
      if (this.storm.isDue(timeMs)) this.#endStorm(timeMs)
      const exempt = level === 'fatal' || rankOf(level) < this.#stormRank
      if (exempt || this.storm.passes(logger, message, timeMs)) this.#emit(record)
    } catch {
      this.failed += 1
    }
  }

  #emit(record: LogRecord): void {
    const { level, timeMs } = record
    const logger = this.#redactor.key(record.logger).name
    const text = this.#encode(record)
    if (!this.#running) {
      process.stderr.write(text)
      return
    }
    this.sinks.write(rankOf(level), text)
    this.#sequence += 1
    const entry: LogEntry = { sequence: this.#sequence, timeMs, level, logger, line: text.slice(0, -1) }
    this.ring.push(entry)
    if (this.tails.size > 0) this.tails.push(entry)
    if (level === 'fatal') this.sinks.flushSync()
  }

  #endStorm(timeMs: number): void {
    for (const { logger, message, suppressed } of this.storm.end()) {
      this.#emit({ timeMs, level: 'warn', logger, message, fields: { suppressed } })
    }
  }

  /** Reopens stale sinks and ends a window that is due. Called once a second. @returns epoch milliseconds */
  tick(): number {
    const nowMs = this.clock.now()
    this.sinks.tick()
    if (this.storm.isDue(nowMs)) this.#endStorm(nowMs)
    return nowMs
  }

  /** Later lines go to stderr immediately. */
  async stop(): Promise<void> {
    this.#endStorm(this.clock.now())
    this.tails.stop()
    this.#running = false
    await this.sinks.close()
  }
}

export const isLevel = (value: unknown): value is Level => levels.includes(value as Level)
