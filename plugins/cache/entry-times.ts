/** PURE. Until when an entry is fresh, and until when it may be served stale. */
import { cacheError } from './errors.ts'

/** Epoch milliseconds. */
export interface EntryTimes {
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly staleUntilMs: number
}

/** Longest time to live and longest grace in milliseconds: ten years. */
const longestMs = 10 * 365 * 86_400_000

/** @returns `ms`, ten years at most @throws CACHE_TIME_INVALID for a negative number and NaN */
export function checkedMs(ms: number, option: string): number {
  if (!(ms >= 0)) throw cacheError('CACHE_TIME_INVALID', { option, value: ms })
  return Math.min(ms, longestMs)
}

/**
 * @param jitter largest share (0-1) of the time to live by which it is shortened
 * @param random 0-1
 */
export function entryTimes(
  createdMs: number,
  ttlMs: number,
  graceMs: number,
  jitter: number,
  random: number,
): EntryTimes {
  const freshUntilMs = createdMs + checkedMs(ttlMs, 'ttlMs') * (1 - jitter * random)
  return { createdMs, freshUntilMs, staleUntilMs: freshUntilMs + checkedMs(graceMs, 'graceMs') }
}

/** @param share (0-1) of the time to live @returns whether that share has passed */
export const isAged = ({ createdMs, freshUntilMs }: EntryTimes, share: number, nowMs: number): boolean =>
  nowMs - createdMs >= share * (freshUntilMs - createdMs)

/** An entry as Redis holds it. Times are epoch milliseconds. */
export interface StoredEntry extends EntryTimes {
  readonly value: unknown
  readonly tags: readonly string[]
  /** Estimated bytes of the value in memory; undefined for a value that was not decoded from Redis. */
  readonly valueBytes?: number
}
