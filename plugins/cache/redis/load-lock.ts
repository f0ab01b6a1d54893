/** A lock in Redis: one process loads a key, the others wait for the value. Fails open: without Redis all load. */
import type { RedisParts } from './redis-parts.ts'
import { runScript, unlockScript } from './scripts.ts'

/** Back-off between two lookups while another process loads, in milliseconds. */
const firstBackoffMs = 5
const longestBackoffMs = 100

export class LoadLock {
  constructor(private readonly parts: RedisParts) {}

  /**
   * Takes the lock, or waits until `look` finds the value that the holder stored, `lockWait` at most.
   * @param look looks into Redis
   * @returns the value found; else a function that releases the lock, to be called when Redis holds the loaded value
   */
  async enter<T>(
    key: string,
    look: () => Promise<T | undefined>,
  ): Promise<{ found: T } | { release: () => Promise<void> }> {
    const { guard, names, settings, clock, counts } = this.parts
    const { lockWait, lockHold } = settings.config
    const token = crypto.randomUUID()
    const name = names.lock(key)
    const untilMs = clock.monotonic() + lockWait
    const nothing = async () => {}
    const release = async () => void (await guard.attempt((redis) => runScript(redis, unlockScript, [name], token)))
    const lookAgain = async (whenFound: () => Promise<void>) => {
      const found = await look()
      if (found === undefined) return undefined
      await whenFound()
      counts.lock_avoided += 1
      return { found }
    }
    for (let backoffMs = firstBackoffMs; ; backoffMs = Math.min(backoffMs * 2, longestBackoffMs)) {
      const taken = await guard.attempt((redis) => redis.call('SET', name, token, 'NX', 'PX', lockHold))
      if (taken === undefined) return { release: nothing }
      // The last holder may have stored the value between our lookup and our lock.
      if (taken.value !== null) return (await lookAgain(release)) ?? { release }
      const leftMs = untilMs - clock.monotonic()
      if (leftMs <= 0) {
        counts.lock_expired += 1
        return { release: nothing }
      }
      await clock.sleep(Math.min(backoffMs, leftMs))
      const found = await lookAgain(nothing)
      if (found !== undefined) return found
    }
  }
}
