/** Time. The only file that touches Date.now, performance.now, setTimeout and setInterval. */
import type { Cancel, Clock } from '../contract/clock.ts'
import { coreError } from '../contract/errors.ts'
import { checkFunction, isThenable } from '../contract/foreign/calls.ts'
import { outsideRequests } from '../contract/foreign/outside-requests.ts'
import { show } from '../contract/redact/redactor.ts'

type Timer = (ms: number, call: () => void) => Cancel

const positiveMs = 'a number of milliseconds above 0'

export const timeInvalid = (call: string, ms: unknown, expected = 'a number of milliseconds') =>
  coreError('TIME_INVALID', { call, seen: show(ms), expected })

/** Not a text of digits: `'50' + 10` is not 60. */
const isAbove = (ms: unknown, least: number): boolean => typeof ms === 'number' && ms > least

/** @param call what takes the limit @returns the limit, which may be Infinity @throws TIME_INVALID */
export function checkLimit(call: string, ms: number): number {
  if (!isAbove(ms, 0)) throw timeInvalid(`timeoutMs of ${call}`, ms, positiveMs)
  return ms
}

/** The longest delay of setTimeout, 24.8 days. A longer one, or NaN, would end immediately. */
const longestMs = 2 ** 31 - 1

/** Builds a timer for every delay, Infinity too, from one for delays up to {@link longestMs}. @throws TIME_INVALID */
export const unlimited =
  (timer: Timer): Timer =>
  (ms, call) => {
    if (!isAbove(ms, Number.NEGATIVE_INFINITY)) throw timeInvalid('clock.after', ms)
    checkFunction('clock.after', call)
    if (ms <= longestMs) return timer(ms, call)
    let cancel: Cancel
    const arm = (leftMs: number) => {
      cancel = leftMs > longestMs ? timer(longestMs, () => arm(leftMs - longestMs)) : timer(leftMs, call)
    }
    arm(ms)
    return () => cancel()
  }

/** Builds `every` from a one-shot timer, armed at the end of each call. */
export function repeating(timer: Timer, random: () => number = Math.random): Clock['every'] {
  return (ms, call, { jitter = 0, immediate = false, onError } = {}) => {
    if (!isAbove(ms, 0)) throw timeInvalid('clock.every', ms, positiveMs)
    checkFunction('clock.every', call)
    let stopped = false
    let cancel: Cancel = () => {}
    const next = () => {
      if (!stopped) cancel = timer(ms + (jitter > 0 ? random() * jitter * ms : 0), run)
    }
    const failed = (thrown: unknown) => {
      next()
      if (onError === undefined) throw thrown
      onError(thrown)
    }
    const run = () => {
      let result: void | Promise<void>
      try {
        result = call()
      } catch (thrown) {
        return failed(thrown)
      }
      if (isThenable(result)) void Promise.resolve(result).then(next, failed)
      else next()
    }
    if (immediate) cancel = timer(0, run)
    else next()
    return () => {
      stopped = true
      cancel()
    }
  }
}

export function sleeping(timer: Timer): Clock['sleep'] {
  return (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (!isAbove(ms, Number.NEGATIVE_INFINITY)) throw timeInvalid('clock.sleep', ms)
      const aborted = () => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = timer(ms, () => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      })
      signal?.addEventListener('abort', aborted, { once: true })
    })
}

const realTimer = unlimited((ms, call) => {
  const id = outsideRequests(() => setTimeout(call, ms))
  return () => clearTimeout(id)
})

/** Lets the event loop run everything else that is due. */
export const yieldToLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Runs a generator, and yields to the event loop between two steps when `blockMs` milliseconds have passed. */
export async function inTurns<T>(work: Generator<void, T>, blockMs = 2): Promise<T> {
  let startedMs = performance.now()
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
    if (performance.now() - startedMs < blockMs) continue
    await yieldToLoop()
    startedMs = performance.now()
  }
}

/** Blocks this thread, timers and requests included. Only for the boot, before requests are served. */
export const blockThread = (ms: number): void => Bun.sleepSync(ms)

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: realTimer,
  every: repeating(realTimer),
  sleep: sleeping(realTimer),
}

/** Epoch milliseconds at which `systemClock.monotonic()` was zero. */
export const monotonicOrigin: number = performance.timeOrigin
/** Epoch milliseconds at which this process began. */
export const processStartMs: number = monotonicOrigin
