/** The threads of a test runtime. The test clock stops while they work, which takes real time. */
import type { Clock } from '../core/contract/clock.ts'
import type { RequestOptions } from '../core/contract/tasks.ts'
import { createWorkers } from '../core/process/workers.ts'
import { holdTime } from './test-clock.ts'

/** Real milliseconds that one task or request stops the test clock, so that work that hangs passes its time limit. */
const patienceMs = 5_000

export const heldWorkers =
  (testClock: Clock): typeof createWorkers =>
  (...parts) => {
    const workers = createWorkers(...parts)
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
