/** What was logged and lost, for metrics. */
import type { Level } from '../../core/plugin.ts'
import type { Collector } from '../metrics/api.ts'

/** Loggers told apart; the rest are counted as `__other__`. */
const maxLoggers = 200
const other = '__other__'

export class EventCounters {
  readonly #byLogger = new Map<string, Map<Level, number>>()

  count(level: Level, logger: string): void {
    const levels = this.#byLogger.get(logger) ?? this.#add(logger)
    levels.set(level, (levels.get(level) ?? 0) + 1)
  }

  #add(logger: string): Map<Level, number> {
    const name = this.#byLogger.size < maxLoggers ? logger.slice(0, 128) : other
    const levels = this.#byLogger.get(name) ?? new Map<Level, number>()
    this.#byLogger.set(name, levels)
    return levels
  }

  /** Names of loggers that have written. */
  loggers(): string[] {
    return [...this.#byLogger.keys()].filter((name) => name !== other)
  }

  *events(): Generator<{ level: Level; logger: string; count: number }> {
    for (const [logger, levels] of this.#byLogger) for (const [level, count] of levels) yield { level, logger, count }
  }
}

interface CounterSources {
  readonly events: EventCounters
  /** Lines lost so far, by sink. */
  dropped(): Readonly<Record<string, number>>
  suppressed(): number
}

/** Copies the counters into metrics at each scrape. */
export const logCollector = ({ events, dropped, suppressed }: CounterSources): Collector => ({
  name: 'logging',
  setup(metrics) {
    const batch = metrics.batch()
    const eventsTotal = batch.counter({
      name: 'arkwatch_log_events_total',
      help: 'Log lines by level and logger, suppressed lines included.',
      labels: ['level', 'logger'],
      maxSeries: maxLoggers * 6 + 6,
      source: events,
    })
    const droppedTotal = batch.counter({
      name: 'arkwatch_log_dropped_total',
      help: 'Log lines lost because the buffer of a sink was full, by sink.',
      labels: ['sink'],
      source: events,
    })
    const help = 'Log lines left out because the same message came too often.'
    batch.counter({ name: 'arkwatch_log_suppressed_total', help, source: events }, suppressed)
    return () =>
      batch.observe(() => {
        for (const { level, logger, count } of events.events()) eventsTotal.set(count, { level, logger })
        for (const [sink, count] of Object.entries(dropped())) droppedTotal.set(count, { sink })
      })
  },
})
