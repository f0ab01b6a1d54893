/** Cuts long work into blocks, so that requests are served in between. */
import { type Clock, yieldToLoop } from '../../../core/plugin.ts'

/** Milliseconds after which work gives way: what a request waits at most for one piece of it. */
export const blockMs = 1

export interface Pace {
  /** Whether the block has taken its time. */
  due(): boolean
  /** Lets everything else that waits run. */
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
