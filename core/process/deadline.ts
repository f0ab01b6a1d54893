/** Waits with a limit. */
import type { Clock } from '../contract/clock.ts'

/** Waits for `work` for at most `ms`; a result that comes later is ignored. @param late makes the error in that case */
export function withDeadline<T>(work: T | Promise<T>, ms: number, clock: Clock, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(late()))
    Promise.resolve(work).then(resolve, reject).finally(cancel)
  })
}

/** Waits for `work` for at most `ms`, or until `signal` aborts. Rejects only with `work`. */
export async function waitAtMost(
  work: Promise<unknown>,
  ms: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const late = clock.sleep(ms, signal ? AbortSignal.any([signal, over.signal]) : over.signal).catch(() => {})
  await Promise.race([work, late]).finally(() => over.abort())
}
