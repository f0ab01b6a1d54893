/** The threads of a test runtime. The test clock stops while they work, which takes real time. */
import type { Cancel, Clock } from '../core/contract/clock.ts'
import type { RequestOptions } from '../core/contract/tasks.ts'
import { sleeping, systemClock } from '../core/process/clock.ts'
import { createWorkers, type RuntimeWorkers } from '../core/process/workers.ts'
import { holdTime } from './test-clock.ts'

/** Real milliseconds that one task or request stops the test clock, so that work that hangs passes its time limit. */
const patienceMs = 5_000

type During = <T>(phase: () => Promise<T>) => Promise<T>

/**
 * The time limits of work in threads. `during` a boot, reload or stop, in which a test that awaits it cannot move the
 * clock, a limit also passes in real time, 5 s at the latest.
 */
function limitsOf(testClock: Clock): { clock: Clock; during: During } {
  const armed = new Set<{ readonly arm: () => void; cancel: Cancel }>()
  let phases = 0
  const after: Clock['after'] = (ms, call) => {
    const due = () => {
      end()
      call()
    }
    const cancel = testClock.after(ms, due)
    if (ms === Number.POSITIVE_INFINITY) return cancel
    const real = {
      cancel: () => {},
      arm() {
        real.cancel = systemClock.after(Math.min(ms, patienceMs), due)
      },
    }
    const end = () => {
      armed.delete(real)
      real.cancel()
      cancel()
    }
    armed.add(real)
    if (phases > 0) real.arm()
    return end
  }
  return {
    clock: { ...testClock, after, sleep: sleeping(after) },
    async during(phase) {
      if (phases++ === 0) for (const real of armed) real.arm()
      try {
        return await phase()
      } finally {
        phases -= 1
        if (phases === 0) for (const real of armed) real.cancel()
      }
    },
  }
}

/** @param clock one that only the test moves; another passes by itself */
export function heldWorkers(clock: Clock): { create: typeof createWorkers; during: During } {
  const isMoved = 'advance' in clock
  const limits: ReturnType<typeof limitsOf> = isMoved ? limitsOf(clock) : { clock, during: (phase) => phase() }
  return { create: (config, _, log) => hold(clock, createWorkers(config, limits.clock, log)), during: limits.during }
}

function hold(testClock: Clock, workers: RuntimeWorkers): RuntimeWorkers {
  const held = <Value>(work: Promise<Value>, limitMs = patienceMs): Promise<Value> => {
    holdTime(testClock, work, Math.min(limitMs, patienceMs))
    return work
  }
  return {
    ...workers,
    run: (task, input, options) => held(workers.run(task, input, options), options?.timeoutMs),
    dedicated(...given) {
      const worker = workers.dedicated(...given)
      const { request, stream } = worker
      return Object.assign(worker, {
        request: <Value>(message: unknown, options?: RequestOptions) =>
          held(request<Value>(message, options), options?.timeoutMs),
        stream(message: unknown, options?: RequestOptions) {
          const items = stream<never>(message, options) as AsyncGenerator<never>
          const limitMs = options?.timeoutMs ?? Number.POSITIVE_INFINITY
          // A stream without a limit may wait for events for ever.
          if (limitMs === Number.POSITIVE_INFINITY) return items
          const next = items.next.bind(items)
          return Object.assign(items, { next: () => held(next(), limitMs) })
        },
      })
    },
  }
}
