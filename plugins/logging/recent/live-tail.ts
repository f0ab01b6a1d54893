/** The live tails, each with a bounded buffer, so that a slow reader loses lines and costs no memory or time. */
import type { Clock } from '../../../core/plugin.ts'
import type { LogEntry, LogFilter, Tail, TailListener } from '../api.ts'
import { logError } from '../errors.ts'
import { createFilter } from '../levels/level-tree.ts'

const maxTails = 64
const maxWaiting = 1_000
/** How long lines are gathered into one batch. */
const batchMs = 20

export class LiveTails {
  readonly #tails = new Set<OneTail>()
  /** Lines lost by all tails, also by stopped ones. */
  dropped = 0

  constructor(private readonly clock: Clock) {}

  get size(): number {
    return this.#tails.size
  }

  push(entry: LogEntry): void {
    for (const tail of this.#tails) tail.push(entry)
  }

  /** @throws LOG_TAIL_LIMIT */
  open(listener: TailListener, filter: LogFilter = {}): Tail {
    if (this.#tails.size >= maxTails) throw logError('LOG_TAIL_LIMIT', { limit: maxTails })
    const tail = new OneTail(this.clock, listener, createFilter(filter), {
      lost: () => {
        this.dropped += 1
      },
      stopped: () => this.#tails.delete(tail),
    })
    this.#tails.add(tail)
    return tail
  }

  stop(): void {
    for (const tail of this.#tails) tail.stop()
  }
}

class OneTail implements Tail {
  dropped = 0
  #waiting: LogEntry[] = []
  #reported = 0
  #busy = false
  #stopped = false

  constructor(
    private readonly clock: Clock,
    private readonly listener: TailListener,
    private readonly matches: (entry: LogEntry) => boolean,
    private readonly owner: { lost(): void; stopped(): void },
  ) {}

  push(entry: LogEntry): void {
    if (!this.matches(entry)) return
    if (this.#waiting.length >= maxWaiting) {
      this.dropped += 1
      this.owner.lost()
      return
    }
    this.#waiting.push(entry)
    if (!this.#busy) this.#arm()
  }

  #arm(): void {
    this.#busy = true
    this.clock.after(batchMs, () => void this.#deliver())
  }

  async #deliver(): Promise<void> {
    if (this.#stopped) return
    const batch = this.#waiting
    this.#waiting = []
    const droppedNow = this.dropped - this.#reported
    this.#reported = this.dropped
    try {
      await this.listener(batch, droppedNow)
    } catch {
      this.stop()
    }
    this.#busy = false
    if (!this.#stopped && this.#waiting.length > 0) this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#waiting = []
    this.owner.stopped()
  }
}
