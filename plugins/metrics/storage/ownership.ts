/** Families that live as long as an owner that registered them, and a grace period longer for a successor. */
import { ArkwatchError, type Cancel, type Clock } from '../../../core/plugin.ts'
import type { MetricFactory } from '../api.ts'
import { createBatch } from './batch-observation.ts'
import type { MetricStore } from './store.ts'

/** How long values wait for a successor that registers the same family again. */
export const graceMs = 30_000

export class FamilyOwnership {
  readonly #holders = new Map<string, number>()
  readonly #waiting = new Map<string, Cancel>()

  constructor(
    readonly store: MetricStore,
    private clock: Pick<Clock, 'after'>,
  ) {}

  /** Takes the clock of a successor, whose timers live longer. */
  useClock(clock: Pick<Clock, 'after'>): void {
    this.clock = clock
    for (const name of [...this.#waiting.keys()]) this.#wait(name)
  }

  /** Whether the family has no owner and is in its grace period. Such a family is not exposed. */
  isWaiting(name: string): boolean {
    return this.#waiting.has(name)
  }

  /** @returns a factory that owns the families made with it, and the release of all of these, once */
  factory(): { metrics: MetricFactory; release(): void } {
    const held = new Set<string>()
    const claim = <F extends { readonly name: string }>(register: () => F): F => {
      const family = this.#makingRoom(register)
      if (!held.has(family.name)) {
        held.add(family.name)
        this.#holders.set(family.name, (this.#holders.get(family.name) ?? 0) + 1)
        this.#waiting.get(family.name)?.()
        this.#waiting.delete(family.name)
      }
      return family
    }
    const { store } = this
    const metrics: MetricFactory = {
      counter: (options) => claim(() => store.counter(options)),
      gauge: (options) => claim(() => store.gauge(options)),
      histogram: (options) => claim(() => store.histogram(options)),
      summary: (options) => claim(() => store.summary(options)),
      batch: () => createBatch(metrics),
    }
    return {
      metrics,
      release: () => {
        for (const name of held) {
          const left = (this.#holders.get(name) ?? 1) - 1
          if (left > 0) this.#holders.set(name, left)
          else {
            this.#holders.delete(name)
            this.#wait(name)
          }
        }
        held.clear()
      },
    }
  }

  /** Drops a family without an owner where it conflicts with a new one. */
  #makingRoom<F>(register: () => F): F {
    try {
      return register()
    } catch (error) {
      if (!(error instanceof ArkwatchError)) throw error
      const owner = String(error.details.owner ?? error.details.metric)
      const cancel = this.#waiting.get(owner)
      const inTheWay = error.code === 'METRICS_NAME_TAKEN' || error.code === 'METRICS_NAME_COLLIDES'
      if (cancel === undefined || !inTheWay) throw error
      cancel()
      this.#waiting.delete(owner)
      this.store.drop(owner)
      return this.#makingRoom(register)
    }
  }

  #wait(name: string): void {
    this.#waiting.get(name)?.()
    const cancel = this.clock.after(graceMs, () => {
      this.#waiting.delete(name)
      this.store.drop(name)
    })
    this.#waiting.set(name, cancel)
  }
}
