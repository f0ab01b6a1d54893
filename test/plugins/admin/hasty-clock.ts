/** Real time whose periods are short: what is looked at every ten seconds is looked at ten times a second. */
import type { Clock } from '../../../core/contract/clock.ts'
import { systemClock } from '../../../core/process/clock.ts'

export const hastyClock: Clock = {
  ...systemClock,
  every: (ms, call, options) => systemClock.every(Math.min(ms, 100), call, options),
}
