/** Bounds a wait. */
import type { Clock } from '../contract/clock.ts'

/**
 * Waits for `work` for at most `ms`; a result that comes later is ignored.
 * @param late makes the error for the case that it is not done in time
 */
export function withDeadline<T>(work: T | Promise<T>, ms: number, clock: Clock, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(late()))
    Promise.resolve(work).then(resolve, reject).finally(cancel)
  })
}
