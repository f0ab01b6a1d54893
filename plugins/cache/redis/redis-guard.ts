/** Keeps the cache from waiting for a silent Redis: after one failure only probes are sent, until one succeeds. */
import type { Clock } from '../../../core/plugin.ts'
import type { Redis } from '../../redis/api.ts'
import type { Counts } from '../counts.ts'

export class RedisGuard {
  /** Milliseconds by which the clock of the Redis server is ahead of the clock of this process. */
  offsetMs = 0
  /** Redis is down until the first probe has read the time of the server. */
  isDown = true
  private probing: Promise<void> | undefined
  private cancel: () => void = () => {}

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
    private readonly counts: Counts,
  ) {}

  /** Probes Redis now and with a period. @param onUp called after each probe that succeeded */
  start(everyMs: number, onUp: () => Promise<void>): Promise<void> {
    this.cancel()
    this.cancel = this.clock.every(everyMs, () => this.probe(onUp))
    return this.probe(onUp)
  }
  stop(): void {
    this.cancel()
  }

  /** Reads the time of Redis: shows whether Redis answers, and how far the clocks are apart. */
  probe(onUp: () => Promise<void>): Promise<void> {
    this.probing ??= this.readTime(onUp).finally(() => {
      this.probing = undefined
    })
    return this.probing
  }

  private async readTime(onUp: () => Promise<void>): Promise<void> {
    try {
      const askedMs = this.clock.now()
      const [seconds, micros] = await this.redis.call<[string, string]>('TIME')
      const middleMs = (askedMs + this.clock.now()) / 2
      this.offsetMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - middleMs
      this.isDown = false
    } catch {
      this.isDown = true
      return
    }
    await onUp()
  }

  /** Runs a command unless Redis is down. @returns undefined where the command failed or Redis is down */
  attempt<T>(run: (redis: Redis) => Promise<T>): Promise<{ value: T } | undefined> {
    if (this.isDown) return Promise.resolve(undefined)
    return run(this.redis).then(
      (value) => ({ value }),
      (thrown) => {
        this.counts.redis_errors += 1
        if ((thrown as { code?: string }).code !== 'REDIS_COMMAND_FAILED') this.isDown = true
        return undefined
      },
    )
  }
}
