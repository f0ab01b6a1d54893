/** The sinks of a configuration: console, file, file of errors. A change of the configuration loses no line. */
import { isAbsolute, join } from 'node:path'
import { isatty } from 'node:tty'
import type { Clock, Level } from '../../../core/plugin.ts'
import type { FileSinkConfig, LoggingConfig } from '../config.ts'
import { createPretty, type LineFormat } from '../encode/pretty.ts'
import { rankOf } from '../levels/level-tree.ts'
import { BufferedOutput } from './buffered-output.ts'
import { FileTarget } from './file-target.ts'
import { StandardTarget } from './standard-target.ts'
import type { Target } from './target.ts'

export const sinkNames = ['console', 'file', 'error_file'] as const
type SinkName = (typeof sinkNames)[number]

interface Sink {
  readonly name: SinkName
  /** The stream or path; a changed place makes a new sink. */
  readonly place: string
  minRank: number
  format: LineFormat | undefined
  readonly output: BufferedOutput
}

export class SinkSet {
  #sinks: readonly Sink[] = []
  readonly #closing = new Set<Promise<void>>()
  /** Lines lost by closed sinks. */
  readonly #lost = new Map<SinkName, number>()

  constructor(
    private readonly clock: Clock,
    private readonly dataDir: string,
  ) {}

  /** @param rank of the level, as `rankOf` gives it @param line with its line end */
  write(rank: number, line: string): void {
    for (const sink of this.#sinks) {
      if (rank >= sink.minRank) sink.output.write(sink.format === undefined ? line : sink.format(line))
    }
  }

  /** Opens new sinks, keeps those with an unchanged place, closes the others after their last line. Never throws. */
  async apply(config: LoggingConfig): Promise<void> {
    const { console, file, errorFile, buffer } = config
    const { stream } = console
    const number = stream === 'stdout' ? 1 : 2
    const color = isatty(number)
    const isPretty = console.enabled && (console.format === 'pretty' || (console.format === 'auto' && color))
    const format = isPretty ? await createPretty(color) : undefined
    const next: Sink[] = []
    if (console.enabled) {
      const sink = this.#sink('console', stream, console.level, () => new StandardTarget(stream, number))
      next.push(Object.assign(sink, { format }))
    }
    if (file !== undefined) next.push(this.#file('file', file))
    if (errorFile !== undefined) next.push(this.#file('error_file', errorFile))
    const gone = this.#sinks.filter((sink) => !next.includes(sink))
    this.#sinks = next
    for (const { output } of next) {
      output.maxWaiting = buffer
      output.tick()
    }
    for (const sink of gone) this.#close(sink)
  }

  #file(name: SinkName, { path, level, rotate }: FileSinkConfig): Sink {
    const place = isAbsolute(path) ? path : join(this.dataDir, path)
    const sink = this.#sink(name, place, level, () => new FileTarget(path, place, rotate))
    ;(sink.output.target as FileTarget).rotation = rotate
    return sink
  }

  /** @returns the present sink at that place, or a new one */
  #sink(name: SinkName, place: string, level: Level, target: () => Target): Sink {
    const kept = this.#sinks.find((sink) => sink.name === name && sink.place === place)
    const output = kept?.output ?? new BufferedOutput(target(), this.clock, 0)
    return Object.assign(kept ?? { name, place, format: undefined, output }, { minRank: rankOf(level) })
  }

  #close(sink: Sink): void {
    const closed = sink.output.close().then(() => {
      this.#lost.set(sink.name, (this.#lost.get(sink.name) ?? 0) + sink.output.dropped)
      this.#closing.delete(closed)
    })
    this.#closing.add(closed)
  }

  tick(): void {
    for (const { output } of this.#sinks) output.tick()
  }

  /** Lines that a sink lost since the beginning. */
  dropped(name: SinkName): number {
    const now = this.#sinks.find((sink) => sink.name === name)?.output.dropped ?? 0
    return now + (this.#lost.get(name) ?? 0)
  }

  /** Why sinks cannot write at present. */
  problems(): string[] {
    return this.#sinks.flatMap(({ output }) => output.problem ?? [])
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#sinks.map(({ output }) => output.flush()), ...this.#closing])
  }

  flushSync(): void {
    for (const { output } of this.#sinks) output.flushSync()
  }

  async close(): Promise<void> {
    for (const sink of this.#sinks) this.#close(sink)
    this.#sinks = []
    await Promise.all(this.#closing)
  }
}
