/** Cuts long work into blocks, between which requests are served. */
import { type Clock, yieldToLoop } from '../../../core/plugin.ts'

/** The length of a block in milliseconds: how long a request waits at most. */
export const blockMs = 1

export interface Pace {
  /** Whether the block is over. */
  due(): boolean
  /** Yields to the event loop. */
  rest(): Promise<void>
}

export function createPace(clock: Pick<Clock, 'monotonic'>): Pace {
  let startedMs = clock.monotonic()
  return {
    due: () => clock.monotonic() - startedMs >= blockMs,
    async rest() {
      await yieldToLoop()
      startedMs = clock.monotonic()
    },
  }
}
