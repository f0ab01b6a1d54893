/** Cuts long work into blocks, between which requests are served. */
import { type Clock, yieldToLoop } from '../../../core/plugin.ts'

/** The length of a block in milliseconds: how long a request waits at most. */
export const blockMs = 1

export function createPace(clock: Pick<Clock, 'monotonic'>) {
  let startedMs = clock.monotonic()
  return {
    /** Whether the block is over. */
    due: () => clock.monotonic() - startedMs >= blockMs,
    /** Yields to the event loop. */
    async rest(): Promise<void> {
      await yieldToLoop()
      startedMs = clock.monotonic()
    },
  }
}
export type Pace = ReturnType<typeof createPace>
