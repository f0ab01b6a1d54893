/** Waits with a limit. */
import type { Clock } from '../contract/clock.ts'

/** The callbacks that end a wait for work. */
const deadlines = new WeakSet<() => void>()
/** Tells a clock whose time a test moves that a timer guards work, which may take real time. */
export function asDeadline(call: () => void): () => void {
  deadlines.add(call)
  return call
}
export const isDeadline = (call: () => void): boolean => deadlines.has(call)

/** Waits for `work` for at most `ms`; a result that comes later is ignored. @param late makes the error in that case */
export function withDeadline<T>(work: T | Promise<T>, ms: number, clock: Clock, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(
      ms,
      asDeadline(() => reject(late())),
    )
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
