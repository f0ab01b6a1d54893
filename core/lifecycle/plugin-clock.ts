/** The clock of a plugin: timers end with the plugin, and an error of a timer is a fault of the plugin. */
import type { Cancel, Clock } from '../contract/clock.ts'
import type { PluginClock } from '../contract/definition.ts'
import { checkFunction, guarded, isThenable } from '../contract/foreign/calls.ts'
import { sleeping } from '../process/clock.ts'
import { asDeadline, isDeadline } from '../process/deadline.ts'
import type { Cleanups } from './cleanups.ts'
import type { Pause } from './pause.ts'
import type { PluginTotals } from './state/plugin-totals.ts'

interface ClockOwner {
  readonly totals: Pick<PluginTotals, 'cpuMs'>
  fault(phase: string, error: unknown): void
}

/**
 * A monitoring timer that falls due during the pause waits for the end of the pause. After the end of the plugin no
 * timer is armed, and a sleep never settles: a loop that catches errors would spin on one that rejects.
 */
export function createPluginClock(
  { clock, pause }: { readonly clock: Clock; readonly pause: Pick<Pause, 'over'> },
  owner: ClockOwner,
  scope: Pick<Cleanups, 'defer' | 'late'>,
): PluginClock {
  const timers = new Set<Cancel>()
  let ended = false
  scope.defer(() => {
    ended = true
    for (const cancel of [...timers]) cancel()
  })
  // A call that outlives its plugin has lost the services that the plugin needs.
  const timerFault = (error: unknown) => {
    if (!ended) owner.fault('a timer', error)
  }
  const run = (call: () => void | Promise<void>, report = timerFault): void | Promise<void> => {
    const onError = (error: unknown) => {
      if (!ended) guarded(() => report(error), timerFault)
    }
    const startedMs = clock.monotonic()
    try {
      const result: unknown = call()
      if (isThenable(result)) return Promise.resolve(result as PromiseLike<void>).catch(onError)
    } catch (error) {
      onError(error)
    } finally {
      owner.totals.cpuMs += clock.monotonic() - startedMs
    }
  }
  const track = (cancel: Cancel): Cancel => {
    const tracked = () => {
      timers.delete(tracked)
      cancel()
    }
    timers.add(tracked)
    if (ended) {
      tracked()
      scope.late()
    }
    return tracked
  }
  const after: Clock['after'] = (ms, call) => {
    checkFunction('clock.after', call)
    const due = () => {
      timers.delete(cancel)
      void run(call)
    }
    const cancel = track(clock.after(ms, isDeadline(call) ? asDeadline(due) : due))
    return cancel
  }
  return {
    now: clock.now,
    monotonic: clock.monotonic,
    sleep: sleeping(after),
    after,
    every(ms, call, { monitoring = false, onError, ...options } = {}) {
      checkFunction('clock.every', call)
      if (onError !== undefined) checkFunction('onError of clock.every', onError)
      let stopped = false
      const tick = () => (stopped ? undefined : run(call, onError))
      const cancel = clock.every(ms, () => (monitoring && pause.over?.then(tick)) || tick(), options)
      return track(() => {
        stopped = true
        cancel()
      })
    },
  }
}
