/** The clock that a plugin gets: its timers end with it, and what they throw is the plugin's fault and nobody else's. */
import type { Cancel, Clock } from '../contract/clock.ts'
import type { PluginClock } from '../contract/definition.ts'
import type { Pause } from './pause.ts'

export interface PluginClockOptions {
  readonly clock: Clock
  /** While it is on, a monitoring timer that falls due waits for its end. */
  readonly pause: Pick<Pause, 'over'>
  fault(phase: string, error: unknown): void
  /** Adds time spent on the main thread. */
  spent(ms: number): void
}

/** @returns the clock, and what cancels all its timers */
export function createPluginClock({ clock, pause, fault, spent }: PluginClockOptions): {
  clock: PluginClock
  cancelAll(): void
} {
  const timers = new Set<Cancel>()
  const timerFault = (error: unknown) => fault('a timer', error)
  const run = (call: () => void | Promise<void>, onError = timerFault): void | Promise<void> => {
    const startedMs = clock.monotonic()
    try {
      const result = call()
      if (result instanceof Promise) return result.catch(onError)
    } catch (error) {
      onError(error)
    } finally {
      spent(clock.monotonic() - startedMs)
    }
  }
  const track = (cancel: Cancel): Cancel => {
    const tracked = () => {
      timers.delete(tracked)
      cancel()
    }
    timers.add(tracked)
    return tracked
  }
  return {
    clock: {
      now: clock.now,
      monotonic: clock.monotonic,
      sleep: clock.sleep,
      after(ms, call) {
        const cancel = track(
          clock.after(ms, () => {
            timers.delete(cancel)
            void run(call)
          }),
        )
        return cancel
      },
      every(ms, call, { monitoring = false, onError, ...options } = {}) {
        let stopped = false
        const unlessStopped = () => (stopped ? undefined : run(call, onError))
        const cancel = clock.every(
          ms,
          () => (monitoring ? (pause.over?.then(unlessStopped) ?? run(call, onError)) : run(call, onError)),
          options,
        )
        return track(() => {
          stopped = true
          cancel()
        })
      },
    },
    cancelAll() {
      for (const cancel of [...timers]) cancel()
    },
  }
}
