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
    /** @param limitMs its time limit: without one, the work is never late */
    const held = <Value>(work: Promise<Value>, limitMs = Number.POSITIVE_INFINITY): Promise<Value> => {
      if (limitMs !== Number.POSITIVE_INFINITY) holdTime(testClock, work, Math.min(limitMs, patienceMs))
      return work
    }
    return {
      ...workers,
      run: (task, input, options) => held(workers.run(task, input, options), options?.timeoutMs ?? 30_000),
      dedicated(...given) {
        const worker = workers.dedicated(...given)
        const { request, stream } = worker
        return Object.assign(worker, {
          request: <Value>(message: unknown, options?: RequestOptions) =>
            held(request<Value>(message, options), options?.timeoutMs ?? 30_000),
          stream(message: unknown, options?: RequestOptions) {
            const items = stream<never>(message, options) as AsyncGenerator<never>
            const next = items.next.bind(items)
            return Object.assign(items, { next: () => held(next(), options?.timeoutMs) })
          },
        })
      },
    }
  }
