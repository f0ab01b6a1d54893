import { z } from 'zod'
import { duration, size } from '../../core/plugin.ts'

const limit = (max: number, fallback: number) => z.int().min(1).max(max).default(fallback)
const off = z.boolean().default(false)

export const CacheConfig = z
  .strictObject({
    ttl: duration({ min: '1ms' }).prefault('5m').describe('How long a value is fresh.'),
    grace: duration()
      .prefault('0')
      .describe('How long after `ttl` a stale value may be served while a new one is loaded.'),
    graceBackoff: duration()
      .prefault('10s')
      .describe('After a failed load, how long the stale value is served before the next load.'),
    jitter: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.1)
      .describe('Largest share by which times to live are shortened at random.'),
    maxEntries: limit(10_000_000, 10_000).describe('Entries of the memory tier.'),
    maxSize: size({ min: '1kB' }).prefault('64MiB').describe('Estimated bytes of the memory tier.'),
    maxLoads: limit(1_000_000, 10_000).describe('Limit for loads in progress, and for lookups in Redis.'),
    maxTags: limit(10_000_000, 10_000).describe(
      'Invalidated tags that are remembered singly; an older invalidation counts for all tags.',
    ),
    prefix: z.string().min(1).max(100).default('arkwatch:cache:').describe('Prefix of every key in Redis.'),
    compressAbove: size().prefault('4KiB').describe('Entries above this size are compressed in Redis.'),
    maxEntrySize: size({ min: '1kB', max: '8MiB' })
      .prefault('1MiB')
      .describe('Largest entry in Redis, before compression; larger ones stay in memory.'),
    lock: off.describe('Whether one process loads a key while the others wait for the value in Redis.'),
    lockWait: duration({ min: '1ms', max: '10m' })
      .prefault('5s')
      .describe('How long a process waits for the lock before it runs the loader too.'),
    lockHold: duration({ min: '10ms', max: '10m' })
      .prefault('30s')
      .describe('How long the lock lasts if its holder does not release it.'),
    redisPause: duration({ min: '1ms' })
      .prefault('2s')
      .describe('Period of the probes of Redis after a failure; the memory tier works alone until a probe succeeds.'),
    groups: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[a-z][a-z0-9_]{0,62}$/)
            .refine((name) => name !== 'other', 'expected another name than other, the group of all other keys')
            .describe('Label `group` of the counts.'),
          pattern: z.string().min(1).max(200).describe('Keys of the group; `*` matches any text.'),
        }),
      )
      .max(50)
      .default([])
      .refine((groups) => new Set(groups.map(({ name }) => name)).size === groups.length, 'expected names that differ')
      .describe(
        'Groups of keys with separate counts; the first match applies, all other keys are `other`. At most 50.',
      ),
    maxRetries: limit(100_000, 1_000).describe('Limit for invalidations that wait while Redis is down.'),
    advice: off.describe('Whether hit ratios for other sizes and times to live are estimated, with advice.'),
  })
  .describe('A cache in memory and Redis.')
export type CacheConfig = z.output<typeof CacheConfig>

/** The config in force, shared by the parts of one cache; a reload replaces it. */
export interface Settings {
  config: CacheConfig
}
