/** PURE. The watchdog's verdict on the heartbeat: times come in, a verdict goes out. */

export interface WatchLimits {
  /** A stall of so many ms fails liveness. */
  readonly stuckAfterMs: number
  /** A stall of so many ms is reported. */
  readonly reportAfterMs: number
}

export interface WatchState {
  /** The beat seen last, epoch ms of the main thread. */
  readonly beatMs: number
  /** The watcher's own monotonic ms at which that beat was first seen. */
  readonly seenMs: number
  /** The watcher's own monotonic ms of its last look. */
  readonly lookedMs: number
  /** Whether the present stall has been reported. */
  readonly isReported: boolean
  /** Whether the present stall has failed liveness. */
  readonly isFailed: boolean
  /** Stalls reported so far. */
  readonly count: number
  readonly longestMs: number
}

export type WatchEvent =
  | { readonly type: 'stuck'; readonly stuckMs: number }
  | { readonly type: 'liveness failed'; readonly stuckMs: number }
  | { readonly type: 'recovered'; readonly stuckMs: number }

export interface Look {
  readonly state: WatchState
  readonly events: readonly WatchEvent[]
  /** For how long the main loop has been stuck, in ms. */
  readonly ageMs: number
  readonly isPaused: boolean
  readonly isAlive: boolean
}

export interface Sight {
  readonly beatMs: number
  /** Epoch ms of the end of an announced stall; 0 without one. */
  readonly pauseUntilMs: number
  /** The watcher's wall clock, epoch ms. */
  readonly nowMs: number
  readonly monotonicMs: number
}

/** A gap between two looks above this many ms means that the watcher itself did not run. */
const ownGapMs = 1_000

export const initialWatch = ({ beatMs, monotonicMs }: Pick<Sight, 'beatMs' | 'monotonicMs'>): WatchState => ({
  beatMs,
  seenMs: monotonicMs,
  lookedMs: monotonicMs,
  isReported: false,
  isFailed: false,
  count: 0,
  longestMs: 0,
})

/**
 * Looks once. The age counts on the watcher's monotonic clock from when it saw the last new beat, for two reasons:
 * 1. a step of the wall clock must not look like a stall;
 * 2. a time in which the watcher itself did not run (the whole process was stopped) says nothing about the main loop.
 */
export function look(state: WatchState, sight: Sight, limits: WatchLimits): Look {
  const { beatMs, monotonicMs } = sight
  const gapMs = monotonicMs - state.lookedMs
  const isNew = beatMs !== state.beatMs
  const seenMs = isNew ? monotonicMs : gapMs > ownGapMs ? state.seenMs + gapMs : state.seenMs
  const ageMs = monotonicMs - seenMs
  const isPaused = sight.pauseUntilMs > sight.nowMs
  const isStuck = ageMs >= limits.reportAfterMs && !isPaused
  const isAlive = isPaused || ageMs < limits.stuckAfterMs
  const wasMs = monotonicMs - state.seenMs
  const events: WatchEvent[] = []
  if (isNew && state.isReported) events.push({ type: 'recovered', stuckMs: wasMs })
  const isReported = !isNew && state.isReported
  if (isStuck && !isReported) events.push({ type: 'stuck', stuckMs: ageMs })
  const isFailed = !isNew && state.isFailed
  if (!isAlive && !isFailed) events.push({ type: 'liveness failed', stuckMs: ageMs })
  return {
    events,
    ageMs,
    isPaused,
    isAlive,
    state: {
      beatMs,
      seenMs,
      lookedMs: monotonicMs,
      isReported: isReported || isStuck,
      isFailed: isFailed || !isAlive,
      count: state.count + (isStuck && !isReported ? 1 : 0),
      longestMs: isStuck || isReported ? Math.max(state.longestMs, ageMs) : state.longestMs,
    },
  }
}

const calmLookMs = 500
const alarmedLookMs = 100

/** When to look next: seldom while the heart beats, closely while it is missed. @returns milliseconds */
export const lookAfterMs = ({ ageMs }: Pick<Look, 'ageMs'>, { reportAfterMs }: Pick<WatchLimits, 'reportAfterMs'>) =>
  ageMs > 0 ? alarmedLookMs : Math.min(calmLookMs, reportAfterMs / 2)

/** The watchdog's `/metrics`, in the Prometheus text format. */
export function watchMetrics({ ageMs, isPaused, isAlive, state }: Look, limits: WatchLimits): string {
  const stuckMs = ageMs >= limits.reportAfterMs ? ageMs : 0
  const gauge = (name: string, help: string, value: number) =>
    `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`
  return [
    gauge(
      'arkwatch_event_loop_stuck_seconds',
      'For how long the main loop has been stuck, 0 if it runs.',
      stuckMs / 1_000,
    ),
    gauge(
      'arkwatch_event_loop_stuck_longest_seconds',
      'The longest standstill reported so far.',
      state.longestMs / 1_000,
    ),
    gauge(
      'arkwatch_event_loop_pause_announced',
      'Whether a pause of our own is announced and within its bound.',
      Number(isPaused),
    ),
    gauge('arkwatch_watchdog_alive', 'Whether liveness holds.', Number(isAlive)),
    '# HELP arkwatch_event_loop_stuck_total How often the main loop was found stuck.\n',
    `# TYPE arkwatch_event_loop_stuck_total counter\narkwatch_event_loop_stuck_total ${state.count}\n`,
  ].join('')
}
