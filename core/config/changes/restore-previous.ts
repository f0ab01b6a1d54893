/** Puts the configuration from before a change in force again: from its files, or from memory. */
import type { Clock } from '../../contract/clock.ts'
import { isBusy, whenFree } from '../../process/when-free.ts'
import { putBack } from './overlay-file.ts'
import { removePending } from './pending-file.ts'

/** How long a rollback waits while another reload is in progress. */
const busyMs = 10_000

export interface Previous {
  /** Of the overlay. */
  readonly text: string
  /** The overlay with the change. */
  readonly written: string
  /** Puts the configuration in force from memory. */
  restore(why: unknown): Promise<void>
}

interface Environment {
  readonly dataDir: string
  readonly clock: Pick<Clock, 'sleep' | 'monotonic'>
  reload(): Promise<unknown>
  /** Called with the file that keeps edits of the overlay. */
  edited(file: string): void
}

/** Then the change is not pending any more, also for the next start. @throws why the change stays pending */
export async function restorePrevious(
  { text, written, restore }: Previous,
  { dataDir, clock, reload, edited }: Environment,
  stopped: AbortSignal,
): Promise<void> {
  const soon = (run: () => Promise<unknown>) => whenFree(run, clock, busyMs, stopped)
  let unwritten: unknown
  try {
    const edits = putBack(dataDir, text, written)
    if (edits !== undefined) edited(edits)
  } catch (error) {
    unwritten = error
  }
  try {
    if (unwritten !== undefined) throw unwritten
    await soon(reload)
  } catch (error) {
    if (isBusy(error)) throw error
    await soon(() => restore(error))
  }
  // The next reload would read the change.
  if (unwritten !== undefined) throw unwritten
  removePending(dataDir)
}
