/** Waits while another reload is in progress. */
import type { Clock } from '../contract/clock.ts'
import { errorOf } from '../contract/errors.ts'

const lookMs = 250

export const isBusy = (error: unknown): boolean => errorOf(error).code === 'RELOAD_BUSY'

/** Runs what is refused during a reload. @throws RELOAD_BUSY after `limitMs`, or once stopped */
export async function whenFree<T>(
  run: () => Promise<T>,
  clock: Pick<Clock, 'sleep' | 'monotonic'>,
  limitMs: number,
  stopped: AbortSignal,
): Promise<T> {
  const endMs = clock.monotonic() + limitMs
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!isBusy(error) || clock.monotonic() >= endMs || stopped.aborted) throw error
      await clock.sleep(lookMs, stopped).catch(() => {})
    }
  }
}
