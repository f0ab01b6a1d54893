/** The metrics and the health check of redis. */
import type { Clock } from '../../core/plugin.ts'
import type { HealthCheck } from '../health/api.ts'
import type { Collector } from '../metrics/api.ts'
import type { RedisConfig } from './config.ts'
import type { RedisConnections } from './engine.ts'

const seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

const info = [
  ['gauge', 'used_memory', 'memory_used_bytes', 'Memory in use by the Redis server.'],
  ['gauge', 'maxmemory', 'memory_max_bytes', 'Memory limit of the Redis server, `maxmemory`; 0: unlimited.'],
  ['gauge', 'connected_clients', 'clients', 'Clients connected to the Redis server.'],
  ['gauge', 'blocked_clients', 'clients_blocked', 'Clients of the Redis server that wait in a blocking command.'],
  ['counter', 'keyspace_hits', 'keyspace_hits_total', 'Lookups in Redis that found a key, of all clients.'],
  ['counter', 'keyspace_misses', 'keyspace_misses_total', 'Lookups in Redis that found no key, of all clients.'],
  ['counter', 'evicted_keys', 'keys_evicted_total', 'Keys that the Redis server evicted.'],
  ['gauge', 'uptime_in_seconds', 'uptime_seconds', 'Time since the start of the Redis server.'],
] as const

const stats = [
  ['gauge', 'queued', 'queue_length', 'Commands that wait for a connection to Redis.'],
  ['gauge', 'pending', 'pending', 'Commands sent to Redis and not answered yet.'],
  ['counter', 'commands', 'commands_total', 'Commands sent to Redis.'],
  ['counter', 'refused', 'refused_total', 'Commands that Redis answered with an error.'],
  ['counter', 'timeouts', 'timeouts_total', 'Commands that Redis did not answer in time.'],
  ['counter', 'rejected', 'rejected_total', 'Commands refused without being sent to Redis.'],
  ['counter', 'reconnects', 'reconnects_total', 'Connections to Redis opened again after a loss.'],
] as const

/** Counts of the connections, and the time of commands. */
export const redisCollector = (redis: RedisConnections): Collector => ({
  name: 'redis',
  setup(metrics) {
    const batch = metrics.batch()
    batch.gauge({ name: 'arkwatch_redis_up', help: 'Whether Redis accepts commands: 1 yes, 0 no.' }, () =>
      redis.stats().state === 'ready' ? 1 : 0,
    )
    for (const [type, field, name, help] of stats)
      batch[type]({ name: `arkwatch_redis_${name}`, help, source: redis }, () => redis.stats()[field])
    const took = metrics.histogram({
      name: 'arkwatch_redis_command_duration_seconds',
      help: 'Time from the call of a Redis command to the answer.',
      buckets: seconds,
    })
    const handle = took.labels({})
    redis.commands.observe = (value) => handle.observe(value)
    return batch.observe
  },
})

/** What the server says of itself. */
export const redisInfoCollector = (redis: RedisConnections): Collector => ({
  name: 'redis.info',
  everyMs: 15_000,
  setup(metrics) {
    const batch = metrics.batch()
    let now: ReadonlyMap<string, string> | undefined
    const read = (field: string) => (now?.has(field) ? Number(now.get(field)) : undefined)
    for (const [type, field, name, help] of info)
      batch[type]({ name: `arkwatch_redis_${name}`, help }, () => read(field))
    return async () => {
      now = await redis.info().catch(() => undefined)
      if (now !== undefined) batch.observe()
    }
  },
})

/** How other checks name it in `dependsOn`. */
export const redisCheckName = 'redis.shared'

export const redisCheck = (redis: RedisConnections, config: RedisConfig, clock: Clock): HealthCheck => ({
  name: redisCheckName,
  kind: 'redis',
  critical: config.critical,
  timeoutMs: config.commandTimeout * 2,
  async run() {
    const startedMs = clock.monotonic()
    await redis.call('PING')
    const { state, queued, pending, reconnects } = redis.stats()
    return { status: 'up', latencyMs: clock.monotonic() - startedMs, details: { state, queued, pending, reconnects } }
  },
})
