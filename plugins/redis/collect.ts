/** The metrics and the health check of redis. */
import type { Clock } from '../../core/plugin.ts'
import type { HealthCheck } from '../health/api.ts'
import type { Collector } from '../metrics/api.ts'
import type { RedisConfig } from './config.ts'
import type { RedisConnections } from './engine.ts'

const seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

const info = [
  ['gauge', 'used_memory', 'memory_used_bytes', 'Memory that the server uses.'],
  ['gauge', 'maxmemory', 'memory_max_bytes', 'Limit of the server’s memory; 0: none.'],
  ['gauge', 'connected_clients', 'clients', 'Clients of the server.'],
  ['gauge', 'blocked_clients', 'clients_blocked', 'Clients that wait in a blocking command.'],
  ['counter', 'keyspace_hits', 'keyspace_hits_total', 'Look-ups of the server that found a key.'],
  ['counter', 'keyspace_misses', 'keyspace_misses_total', 'Look-ups of the server that found no key.'],
  ['counter', 'evicted_keys', 'keys_evicted_total', 'Keys that the server evicted.'],
  ['gauge', 'uptime_in_seconds', 'uptime_seconds', 'Age of the server’s process.'],
] as const

const stats = [
  ['gauge', 'queued', 'queue_length', 'Commands that wait for a connection.'],
  ['gauge', 'pending', 'pending', 'Commands sent and not answered.'],
  ['counter', 'commands', 'commands_total', 'Commands sent.'],
  ['counter', 'refused', 'refused_total', 'Commands that the server refused.'],
  ['counter', 'timeouts', 'timeouts_total', 'Commands without an answer in time.'],
  ['counter', 'rejected', 'rejected_total', 'Commands refused without asking the server.'],
  ['counter', 'reconnects', 'reconnects_total', 'Connections made after the first.'],
] as const

/** Counts of the connections, and the time of commands. */
export const redisCollector = (redis: RedisConnections): Collector => ({
  name: 'redis',
  setup(metrics) {
    const batch = metrics.batch()
    batch.gauge({ name: 'arkwatch_redis_up', help: 'Whether Redis takes commands.' }, () =>
      redis.stats().state === 'ready' ? 1 : 0,
    )
    for (const [type, field, name, help] of stats)
      batch[type]({ name: `arkwatch_redis_${name}`, help }, () => redis.stats()[field])
    const took = metrics.histogram({
      name: 'arkwatch_redis_command_duration_seconds',
      help: 'Time from call to answer.',
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
