/** PURE. The back-off between two attempts to connect, and the ageing of connections. */

export interface BackOff {
  /** Milliseconds after the first failure. */
  readonly firstMs: number
  /** Milliseconds that it never exceeds. */
  readonly maxMs: number
}

/**
 * Doubles from failure to failure, with half of it at random, so that many processes do not reconnect together.
 * @param failures in a row, from 1
 * @param random 0-1
 * @returns milliseconds
 */
export function backOffMs({ firstMs, maxMs }: BackOff, failures: number, random: number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(30, failures - 1))
  return full / 2 + (full / 2) * random
}

/**
 * How long an idle connection may be silent before it is asked: up to 10 % less than `keepaliveMs`.
 * @see HikariCP `HikariPool.createPoolEntry`
 */
export const silenceMs = (keepaliveMs: number, random: number): number => keepaliveMs - keepaliveMs * 0.1 * random

/**
 * When a connection is too old: up to 2.5 % before its lifetime, so that not all are renewed together.
 * @see HikariCP `HikariPool.createPoolEntry`
 * @returns milliseconds, Infinity for a lifetime of 0
 */
export const lifetimeMs = (maxLifetimeMs: number, random: number): number =>
  maxLifetimeMs === 0 ? Number.POSITIVE_INFINITY : maxLifetimeMs - maxLifetimeMs * 0.025 * random
