/// <reference path="./rate-limiter-memory.d.ts" />
/** How often: requests by key, failed attempts by address. */
import { createHmac, randomBytes } from 'node:crypto'
import type { RateLimiterRes } from 'rate-limiter-flexible'
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'

export interface LimitOptions {
  readonly requests: number
  readonly windowMs: number
  /** Failed attempts of one address in a window before it is locked out. */
  readonly failures: number
  /** Milliseconds of the window of failed attempts, and of the first lock-out; each further one doubles. */
  readonly failureWindowMs: number
  /** Milliseconds; no lock-out is longer. */
  readonly maxLockoutMs: number
}

/** What a key has left. @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ */
export interface Quota {
  readonly allowed: boolean
  readonly limit: number
  readonly remaining: number
  /** Until the window ends. */
  readonly resetSeconds: number
  readonly windowSeconds: number
}

/** Number of counters that all addresses share, to bound the memory that many addresses can fill. */
const places = 16_384
const strikeMemorySeconds = 86_400

/** The part of an address that one party has: all of IPv4, the first 64 bits of IPv6. */
export function addressPrefix(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - after.length
  return [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...after].slice(0, 4).join(':')
}

export class Limits {
  readonly #salt = randomBytes(16)
  readonly #requests: RateLimiterMemory
  readonly #failures: RateLimiterMemory
  readonly #strikes: RateLimiterMemory

  constructor(private readonly options: LimitOptions) {
    const { requests, windowMs, failures, failureWindowMs } = options
    this.#requests = new RateLimiterMemory({ points: requests, duration: windowMs / 1_000 })
    this.#failures = new RateLimiterMemory({ points: failures, duration: failureWindowMs / 1_000 })
    this.#strikes = new RateLimiterMemory({ points: 1_000, duration: strikeMemorySeconds })
  }

  #placeOf(address: string): string {
    const digest = createHmac('sha256', this.#salt).update(addressPrefix(address)).digest()
    return String(digest.readUInt32BE(0) % places)
  }

  /** Counts a request of a key. @param name one of the keys that exist */
  async request(name: string): Promise<Quota> {
    const { requests, windowMs } = this.options
    const found = await this.#requests.consume(name).catch((over: unknown) => {
      if (over instanceof Error) throw over
      return over as RateLimiterRes
    })
    const allowed = found.consumedPoints <= requests
    return {
      allowed,
      limit: requests,
      remaining: Math.max(0, found.remainingPoints),
      resetSeconds: Math.max(1, Math.ceil(found.msBeforeNext / 1_000)),
      windowSeconds: windowMs / 1_000,
    }
  }

  /** Counts a failed attempt. @returns how long the address is locked out, and whether that begins now */
  async failure(address: string): Promise<{ readonly seconds: number; readonly begins: boolean } | undefined> {
    const place = this.#placeOf(address)
    const { failures, failureWindowMs, maxLockoutMs } = this.options
    try {
      await this.#failures.consume(place)
      return undefined
    } catch (over) {
      if (over instanceof Error) throw over
      const { consumedPoints, msBeforeNext } = over as RateLimiterRes
      if (consumedPoints !== failures + 1)
        return { seconds: Math.max(1, Math.ceil(msBeforeNext / 1_000)), begins: false }
      const { consumedPoints: strikes } = await this.#strikes.penalty(place)
      const seconds = Math.ceil(Math.min(maxLockoutMs, failureWindowMs * 2 ** (strikes - 1)) / 1_000)
      await this.#failures.block(place, seconds)
      return { seconds, begins: true }
    }
  }
}
