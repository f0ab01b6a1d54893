/** Calls callbacks that other code registered: one that throws is logged, and the others are called. */
import type { Logger } from '../../core/plugin.ts'

export function notify<A extends unknown[]>(log: Logger, callbacks: Iterable<(...args: A) => void>, ...args: A): void {
  for (const callback of callbacks) {
    try {
      callback(...args)
    } catch (error) {
      log.error('a listener of redis threw', { error })
    }
  }
}
