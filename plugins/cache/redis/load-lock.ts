/** A lock in Redis, so that one process loads a key and the others wait for what it stores. Fails open. */
import type { Clock } from '../../../core/plugin.ts'
import type { Settings } from '../config.ts'
import type { RedisGuard } from './redis-guard.ts'
import type { RedisNames } from './redis-names.ts'
import { runScript, unlockScript } from './scripts.ts'

export interface LoadLockOptions {
  readonly guard: RedisGuard
  readonly names: RedisNames
  readonly settings: Settings
  readonly clock: Clock
}

/** Pauses between two looks for what another process loads, in milliseconds. */
const firstPauseMs = 5
const longestPauseMs = 100

export class LoadLock {
  /** Loads that another process did while we waited. */
  avoided = 0
  /** Waits that ended without a value: the loader ran here too. */
  expired = 0

  constructor(private readonly options: LoadLockOptions) {}

  /**
   * Takes the lock, or waits until `look` finds what its holder stored, `lockWait` at most.
   * @param look looks into Redis
   * @returns what was found; else a function that gives the lock back, to be called when the load is stored
   */
  async enter<T>(
    key: string,
    look: () => Promise<T | undefined>,
  ): Promise<{ found: T } | { release: () => Promise<void> }> {
    const { guard, names, settings, clock } = this.options
    const { lockWait, lockHold } = settings.config
    const token = crypto.randomUUID()
    const name = names.lock(key)
    const untilMs = clock.monotonic() + lockWait
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const taken = await guard.attempt((redis) => redis.call('SET', name, token, 'NX', 'PX', lockHold))
      if (taken === undefined) return { release: async () => {} }
      if (taken.value !== null) {
        // Its last holder may have stored the value between our look and our lock.
        const found = await look()
        const release = async () => void (await guard.attempt((redis) => runScript(redis, unlockScript, [name], token)))
        if (found === undefined) return { release }
        await release()
        this.avoided += 1
        return { found }
      }
      const leftMs = untilMs - clock.monotonic()
      if (leftMs <= 0) {
        this.expired += 1
        return { release: async () => {} }
      }
      await clock.sleep(Math.min(pauseMs, leftMs))
      const found = await look()
      if (found !== undefined) {
        this.avoided += 1
        return { found }
      }
    }
  }
}
