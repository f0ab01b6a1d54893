/** Calls callbacks that other code registered: one that throws is logged, and the others are called. */
import { guarded, type Logger } from '../../core/plugin.ts'

export function notify<A extends unknown[]>(log: Logger, callbacks: Iterable<(...args: A) => void>, ...args: A): void {
  const failed = (error: unknown) => log.error('a listener of redis threw', { error })
  for (const callback of callbacks) guarded(() => callback(...args), failed)
}
