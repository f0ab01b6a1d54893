/** The options of the cache. */
import { z } from 'zod'
import { duration, size } from '../../core/plugin.ts'

export const CacheConfig = z
  .strictObject({
    ttl: duration({ min: '1ms' }).prefault('5m').describe('How long a value is fresh.'),
    grace: duration().prefault('0').describe('How long after that it may be served while a new one is loaded.'),
    graceBackoff: duration()
      .prefault('10s')
      .describe('After a load that failed, how long the stale value is served before the next one.'),
    jitter: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.1)
      .describe('Share of the time to live by which it is shortened at random.'),
    maxEntries: z.int().min(1).max(10_000_000).default(10_000).describe('Entries of the memory tier.'),
    maxSize: size({ min: '1kB' }).prefault('64MiB').describe('Estimated bytes of the memory tier.'),
    maxLoads: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe('Loads under way at one time, and looks into Redis.'),
    maxTags: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(10_000)
      .describe('Invalidated tags that are remembered one by one.'),
    prefix: z.string().min(1).max(100).default('arkwatch:cache:').describe('Begins every key in Redis.'),
    compressAbove: size().prefault('4KiB').describe('Entries above this size are compressed in Redis.'),
    maxEntrySize: size({ min: '1kB', max: '8MiB' })
      .prefault('1MiB')
      .describe('Largest entry in Redis, before compression; larger ones stay in memory.'),
    lock: z
      .boolean()
      .default(false)
      .describe('Whether one process loads a key while the others wait for what it stores in Redis.'),
    lockWait: duration({ min: '1ms', max: '10m' })
      .prefault('5s')
      .describe('How long another process is waited for; then the loader runs here too.'),
    lockHold: duration({ min: '10ms', max: '10m' })
      .prefault('30s')
      .describe('How long the lock stands where its holder does not give it back.'),
    redisPause: duration({ min: '1ms' })
      .prefault('2s')
      .describe('How often Redis is tried after it failed; memory goes on alone meanwhile.'),
    groups: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[a-z][a-z0-9_]{0,62}$/)
            .refine((name) => name !== 'other', 'expected another name than other, which is that of the rest')
            .describe('Label `group` of the counts.'),
          pattern: z.string().min(1).max(200).describe('Keys of the group; `*` stands for any text.'),
        }),
      )
      .max(50)
      .default([])
      .refine((groups) => new Set(groups.map(({ name }) => name)).size === groups.length, 'expected names that differ')
      .describe('Keys that are counted apart, the first that matches; the rest is `other`. At most 50.'),
    maxRetries: z.int().min(1).max(100_000).default(1_000).describe('Invalidations that wait for Redis to come back.'),
  })
  .describe('A cache in memory and Redis.')
export type CacheConfig = z.output<typeof CacheConfig>

/** The options in force, shared by the parts of one cache; a reload puts others in their place. */
export interface Settings {
  config: CacheConfig
}
