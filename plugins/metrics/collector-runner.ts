/** Runs collectors: some at each scrape, some on their own timer. */
import {
  type Contributed,
  errorOf,
  isThenable,
  type Logger,
  messageOf,
  type PluginClock,
  redactName,
  withDeadline,
} from '../../core/plugin.ts'
import type { Collector, CounterHandle, GaugeHandle } from './api.ts'
import { metricsError, refusePromise } from './errors.ts'
import type { Pace } from './exposition/pace.ts'
import { hasSource } from './storage/counted-sources.ts'
import type { FamilyOwnership, Owner } from './storage/ownership.ts'

const defaultTimeoutMs = 5_000
/** A period is prolonged by up to this ratio, so that collectors do not run together. */
const jitter = 0.1

const labelsOf = ({ name }: Collector) => ({ collector: redactName(name) })

const collectorFailed = (collector: Collector, phase: string, error: unknown) =>
  // Names the collector.
  ['METRICS_ASYNC', 'METRICS_TIMEOUT'].includes(String(errorOf(error).code))
    ? error
    : metricsError('METRICS_COLLECTOR_FAILED', { ...labelsOf(collector), phase, reason: messageOf(error) }, error)

type Source = Omit<Contributed<Collector>, 'plugin'> & { readonly plugin: string | undefined }

/** A collector that was set up. */
export interface Running {
  readonly collector: Collector
  readonly release: () => void
  /** Undefined where its setup failed. */
  readonly collect: (() => unknown) | undefined
  /** Why its setup failed. */
  readonly problem: string | undefined
  readonly duration: GaugeHandle
  readonly errors: CounterHandle
  /** A collection is in progress, even past its timeout. */
  busy: boolean
  failing: boolean
  /** Reports a failure to the plugin that contributed the collector. */
  fault: Contributed<Collector>['fault']
}

export interface CollectorRunnerOptions {
  readonly ownership: FamilyOwnership
  readonly clock: PluginClock
  readonly log: Logger
  /** Collectors that a predecessor set up, whose timers have ended. */
  readonly inherited?: ReadonlyMap<Collector, Running> | undefined
}

export class CollectorRunner {
  readonly #options: CollectorRunnerOptions
  /** Every collector that is set up, for a successor. */
  readonly running: Map<Collector, Running>
  readonly #own: Owner
  /** Ends the timers that this runner armed: a predecessor that continues has its own for the same collectors. */
  readonly #cancels = new Map<Running, () => void>()
  readonly #durations
  readonly #errors

  constructor(options: CollectorRunnerOptions) {
    this.#options = options
    this.running = new Map(options.inherited)
    this.#own = options.ownership.owner()
    const { metrics } = this.#own
    this.#durations = metrics.gauge({
      name: 'arkwatch_collector_duration_seconds',
      help: 'Duration of the last collection, by collector.',
      labels: ['collector'],
    })
    this.#errors = metrics.counter({
      name: 'arkwatch_collector_errors_total',
      help: 'Collections that failed, timed out or were skipped because the previous collection still ran, by collector.',
      labels: ['collector'],
    })
  }

  /** Starts the timers of inherited collectors. */
  resume(): void {
    for (const running of this.running.values()) this.#arm(running)
  }

  /** Stops the timers; families stay. */
  pause(): void {
    for (const running of this.running.values()) this.#disarm(running)
  }

  /**
   * Releases the collectors that are gone, then sets up the new ones, and again those whose setup failed. Families wait
   * for a successor: one of the same shape continues the values, one of another shape replaces the family.
   * @param released called in between
   */
  reconcile(own: readonly Collector[], contributed: readonly Contributed<Collector>[] = [], released = () => {}): void {
    // Of no plugin: the gauges continue in a successor, whose collectors set the same.
    const ours = own.map((value): Source => ({ value, plugin: undefined, fault() {}, hold() {} }))
    const wanted = new Map([...ours, ...contributed].map((each): [Collector, Source] => [each.value, each]))
    const names = new Set([...wanted.keys()].map(({ name }) => name))
    for (const [collector, running] of this.running) {
      const isFailed = running.collect === undefined
      if (wanted.has(collector) && !isFailed) continue
      this.#disarm(running)
      running.release()
      if (isFailed && wanted.has(collector)) continue
      this.running.delete(collector)
      if (names.has(collector.name)) continue
      for (const family of [this.#durations, this.#errors]) family.remove(labelsOf(collector))
    }
    released()
    for (const [collector, from] of wanted) {
      const running = this.running.get(collector)
      if (running?.collect === undefined) this.#add(collector, from, running)
      else running.fault = from.fault
    }
  }

  /** Releases the metrics of the runner itself. */
  release(): void {
    this.#own.release()
  }

  /** Releases the collectors that were set up here and not inherited. */
  releaseAllBut(kept: ReadonlyMap<Collector, Running>): void {
    for (const [collector, running] of this.running) if (!kept.has(collector)) running.release()
  }

  /** Counts a failure of a source that is not a collector. */
  failed(name: string): void {
    this.#errors.inc({ collector: redactName(name) })
  }

  /** Runs the collectors without a period. A collector that throws is counted and skipped. */
  async collect(pace: Pace): Promise<void> {
    for (const running of [...this.running.values()]) {
      if (running.collector.everyMs !== undefined || running.collect === undefined) continue
      const startedMs = this.#options.clock.monotonic()
      const { fault } = running
      try {
        refusePromise(running.collect(), `the collector ${running.collector.name}, which has no everyMs,`)
        this.#finished(running, startedMs)
      } catch (error) {
        this.#finished(running, startedMs, { error, fault })
      }
      if (pace.due()) await pace.rest()
    }
  }

  /** @param before the collector as its setup failed before */
  #add(collector: Collector, { plugin, fault, hold }: Source, before?: Running): void {
    const { name } = collector
    const owner = this.#options.ownership.owner(plugin)
    let collect: Running['collect']
    let problem: string | undefined
    try {
      const returned: unknown = collector.setup(owner.metrics)
      refusePromise(returned, `the setup of the collector ${name}`)
      if (typeof returned !== 'function') throw new TypeError(`it returned ${typeof returned}: expected a function`)
      collect = returned as Running['collect']
    } catch (error) {
      problem = `the collector ${name} could not be set up: ${messageOf(error)}`
      if (problem !== before?.problem) {
        this.#options.log.error('collector could not be set up', { collector: name, error })
        this.#errors.inc(labelsOf(collector))
        fault(collectorFailed(collector, 'its setup', error))
      }
    }
    hold(problem)
    const release = () => {
      try {
        // What a source counted since the last scrape continues in the successor.
        if (hasSource(owner.metrics) && collector.everyMs === undefined) refusePromise(collect?.(), name)
      } catch {}
      owner.release()
    }
    const running: Running = {
      ...{ collector, collect, problem, fault, release },
      duration: this.#durations.labels(labelsOf(collector)),
      errors: this.#errors.labels(labelsOf(collector)),
      busy: false,
      failing: false,
    }
    this.running.set(collector, running)
    this.#arm(running)
  }

  #disarm(running: Running): void {
    this.#cancels.get(running)?.()
    this.#cancels.delete(running)
  }

  #arm(running: Running): void {
    this.#disarm(running)
    const { collector, collect } = running
    if (collector.everyMs === undefined || collect === undefined) return
    const options = { monitoring: true, jitter, immediate: true }
    const run = () => this.#runOnce(running, collect)
    this.#cancels.set(running, this.#options.clock.every(collector.everyMs, run, options))
  }

  /** Never rejects. Ends with the timeout, though the collection may continue. */
  async #runOnce(running: Running, collect: () => unknown): Promise<void> {
    const { clock } = this.#options
    // A collection that outlives its plugin is still a fault of that plugin, not of its successor.
    const { fault, collector } = running
    const { name, timeoutMs = defaultTimeoutMs } = collector
    const startedMs = clock.monotonic()
    if (running.busy) {
      running.errors.inc()
      return
    }
    const late = () => metricsError('METRICS_TIMEOUT', { source: `collector ${name}`, timeoutMs })
    try {
      const returned = collect()
      if (isThenable(returned)) {
        running.busy = true
        const free = () => {
          running.busy = false
        }
        const result = Promise.resolve(returned)
        result.then(free, free)
        await withDeadline(result, timeoutMs, clock, late)
      }
      this.#finished(running, startedMs)
    } catch (error) {
      this.#finished(running, startedMs, { error, fault })
    }
  }

  #finished(running: Running, startedMs: number, failure?: { error: unknown; fault: Running['fault'] }): void {
    const { clock, log } = this.#options
    running.duration.set((clock.monotonic() - startedMs) / 1_000)
    if (failure === undefined) {
      if (running.failing) log.info('collector works again', { collector: running.collector.name })
      running.failing = false
      return
    }
    running.errors.inc()
    const { error, fault } = failure
    const fields = { collector: running.collector.name, reason: messageOf(error), code: errorOf(error).code }
    if (!running.failing) log.warn('collector failed', fields)
    running.failing = true
    fault(collectorFailed(running.collector, 'a collection', error))
  }
}
