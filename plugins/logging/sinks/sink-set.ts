/** The sinks that a configuration asks for: console, file, file of errors. Taking a new one loses no line. */
import { isAbsolute, join } from 'node:path'
import { isatty } from 'node:tty'
import type { Clock } from '../../../core/plugin.ts'
import type { FileSinkConfig, LoggingConfig } from '../config.ts'
import { createPretty, type LineFormat } from '../encode/pretty.ts'
import { rankOf } from '../levels/level-tree.ts'
import { BufferedOutput } from './buffered-output.ts'
import { FileTarget } from './file-target.ts'
import { StandardTarget } from './standard-target.ts'

export type SinkName = 'console' | 'file' | 'error_file'
export const sinkNames: readonly SinkName[] = ['console', 'file', 'error_file']

interface Sink {
  readonly name: SinkName
  /** Another place is another sink. */
  readonly place: string
  minRank: number
  format: LineFormat | undefined
  readonly output: BufferedOutput
}

export class SinkSet {
  #sinks: readonly Sink[] = []
  readonly #closing = new Set<Promise<void>>()
  /** Lines lost by sinks that are gone. */
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

  /** Opens what is new, keeps what stays where it is, lets go of the rest once it is written. Never throws. */
  async apply(config: LoggingConfig): Promise<void> {
    const { console, file, errorFile, buffer } = config
    const pretty =
      console.format === 'pretty' || (console.format === 'auto' && isatty(console.stream === 'stdout' ? 1 : 2))
    const format =
      console.enabled && pretty ? await createPretty(isatty(console.stream === 'stdout' ? 1 : 2)) : undefined
    const next: Sink[] = []
    if (console.enabled) {
      const sink = this.#keep('console', console.stream) ?? this.#openConsole(console.stream)
      next.push(Object.assign(sink, { minRank: rankOf(console.level), format }))
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

  #keep(name: SinkName, place: string): Sink | undefined {
    return this.#sinks.find((sink) => sink.name === name && sink.place === place)
  }

  #openConsole(stream: 'stdout' | 'stderr'): Sink {
    const target = new StandardTarget(stream, stream === 'stdout' ? 1 : 2)
    return this.#sink('console', stream, new BufferedOutput(target, this.clock, 0))
  }

  #file(name: SinkName, { path, level, rotate }: FileSinkConfig): Sink {
    const place = isAbsolute(path) ? path : join(this.dataDir, path)
    const kept = this.#keep(name, place)
    const sink = kept ?? this.#sink(name, place, new BufferedOutput(new FileTarget(path, place, rotate), this.clock, 0))
    ;(sink.output.target as FileTarget).rotation = rotate
    return Object.assign(sink, { minRank: rankOf(level) })
  }

  #sink(name: SinkName, place: string, output: BufferedOutput): Sink {
    return { name, place, minRank: 0, format: undefined, output }
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
