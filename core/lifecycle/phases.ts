/** The time limits of the phases of one plugin. */
import type { Clock } from '../contract/clock.ts'
import type { AnyPlugin } from '../contract/definition.ts'
import { ArkwatchError, coreError, errorOf } from '../contract/errors.ts'
import { withDeadline } from '../process/deadline.ts'

type Limit = 'start' | 'ready' | 'stop'
const defaultDeadlines: Record<Limit, number> = { start: 10_000, ready: 10_000, stop: 5_000 }

export class Phases {
  /** Settles with the phase in progress, other than `stop`. */
  current: Promise<void> | undefined
  /** A `reconfigure` that passed its deadline: when it ends, and which config it leaves, is not known. */
  late: Promise<unknown> | undefined
  /** Threads that have not sent their first message. */
  readonly silentThreads = new Set<string>()

  constructor(
    private readonly plugin: string,
    private readonly deadlines: AnyPlugin['deadlines'],
    private readonly clock: Clock,
  ) {}

  /** @returns the error of a phase, which names the plugin and the phase */
  errorOf(phase: string, thrown: unknown): Error {
    const error = errorOf(thrown)
    if (error instanceof ArkwatchError && error.details.plugin === this.plugin) return error
    return coreError('PLUGIN_FAILED', { plugin: this.plugin, phase, reason: error.message }, error)
  }

  /** @param phase as an error names it @throws what the call throws, PLUGIN_TIMEOUT after the deadline of `limit` */
  async inTime<T>(limit: Limit, call: () => T | Promise<T>, phase: string = limit): Promise<T> {
    const { plugin } = this
    const timeoutMs = this.deadlines?.[limit] ?? defaultDeadlines[limit]
    const ended = Promise.withResolvers<void>()
    if (phase !== 'stop') this.current = ended.promise
    const work = (async () => call())()
    const late = () => {
      if (phase === 'reconfigure') this.late = work
      const [silent] = limit === 'stop' ? [] : this.silentThreads
      const what = `the thread ${silent} has not sent its first message, by serveRequests or announceReady`
      return coreError('PLUGIN_TIMEOUT', { plugin, phase, timeoutMs, waits: silent === undefined ? '' : `: ${what}` })
    }
    try {
      return await withDeadline(work, timeoutMs, this.clock, late)
    } finally {
      ended.resolve()
      if (this.current === ended.promise) this.current = undefined
    }
  }
}
