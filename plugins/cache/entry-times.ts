/** PURE. Until when an entry is fresh, and until when it may be served stale. */
import { cacheError } from './errors.ts'

/** Epoch milliseconds. */
export interface EntryTimes {
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly staleUntilMs: number
}

/** Longest time to live and longest grace in milliseconds: ten years. */
export const longestMs = 10 * 365 * 86_400_000

/** @returns `ms`, ten years at most @throws CACHE_TIME_INVALID for what is negative or no number */
export function checkedMs(ms: number, option: string): number {
  if (!(ms >= 0)) throw cacheError('CACHE_TIME_INVALID', { option, value: ms })
  return Math.min(ms, longestMs)
}

/**
 * @param jitter share (0-1) of the time to live by which it is shortened at most
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

/** @param share (0-1) of its time to live @returns whether so much of it has passed */
export const isAged = ({ createdMs, freshUntilMs }: EntryTimes, share: number, nowMs: number): boolean =>
  nowMs - createdMs >= share * (freshUntilMs - createdMs)

/** An entry as it stands in Redis. Times are epoch milliseconds. */
export interface StoredEntry extends EntryTimes {
  readonly value: unknown
  readonly tags: readonly string[]
  /** An estimate of the bytes that the value takes in memory, where it is known from how it was written. */
  readonly valueBytes?: number
}
