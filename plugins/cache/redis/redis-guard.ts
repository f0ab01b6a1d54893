/** Keeps the cache from waiting for a Redis that does not answer: one failure, and it is left alone until a probe succeeds. */
import type { Clock } from '../../../core/plugin.ts'
import type { Redis } from '../../redis/api.ts'

export class RedisGuard {
  errors = 0
  /** Milliseconds by which the clock of the server is ahead of ours. */
  offsetMs = 0
  /** Down until it has told its time. */
  isDown = true
  private probing: Promise<void> | undefined
  private cancel: () => void = () => {}

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {}

  /** Asks Redis now and then. @param onUp called when it answers */
  start(everyMs: number, onUp: () => Promise<void>): Promise<void> {
    this.cancel()
    this.cancel = this.clock.every(everyMs, () => this.probe(onUp))
    return this.probe(onUp)
  }
  stop(): void {
    this.cancel()
  }

  /** Asks Redis for its time: whether it answers, and how far our clocks are apart. */
  probe(onUp: () => Promise<void>): Promise<void> {
    this.probing ??= this.askTime(onUp).finally(() => {
      this.probing = undefined
    })
    return this.probing
  }

  private async askTime(onUp: () => Promise<void>): Promise<void> {
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

  /** Runs a command unless Redis is down. @returns undefined where it failed, or was not asked */
  attempt<T>(run: (redis: Redis) => Promise<T>): Promise<{ value: T } | undefined> {
    if (this.isDown) return Promise.resolve(undefined)
    return run(this.redis).then(
      (value) => ({ value }),
      (thrown) => {
        this.errors += 1
        if ((thrown as { code?: string }).code !== 'REDIS_COMMAND_FAILED') this.isDown = true
        return undefined
      },
    )
  }
}
