/** The metrics and the health check of redis. */
import type { Clock } from '../../core/plugin.ts'
import type { HealthCheck } from '../health/api.ts'
import type { Collector } from '../metrics/api.ts'
import type { RedisConfig } from './config.ts'
import type { RedisConnections } from './engine.ts'

const seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

const fields = [
  ['used_memory', 'arkwatch_redis_memory_used_bytes', 'Memory that the server uses.'],
  ['maxmemory', 'arkwatch_redis_memory_max_bytes', 'Limit of the server’s memory; 0: none.'],
  ['connected_clients', 'arkwatch_redis_clients', 'Clients of the server.'],
  ['blocked_clients', 'arkwatch_redis_clients_blocked', 'Clients that wait in a blocking command.'],
  ['keyspace_hits', 'arkwatch_redis_keyspace_hits', 'Look-ups of the server that found a key, since its start.'],
  ['keyspace_misses', 'arkwatch_redis_keyspace_misses', 'Look-ups of the server that found no key, since its start.'],
  ['evicted_keys', 'arkwatch_redis_keys_evicted', 'Keys that the server evicted, since its start.'],
  ['uptime_in_seconds', 'arkwatch_redis_uptime_seconds', 'Age of the server’s process.'],
] as const

/** Counts of the connections, and the time of commands. */
export const redisCollector = (redis: RedisConnections): Collector => ({
  name: 'redis',
  setup(metrics) {
    const up = metrics.gauge({ name: 'arkwatch_redis_up', help: 'Whether Redis takes commands.' })
    const queued = metrics.gauge({ name: 'arkwatch_redis_queue_length', help: 'Commands that wait for a connection.' })
    const pending = metrics.gauge({ name: 'arkwatch_redis_pending', help: 'Commands sent and not answered.' })
    const took = metrics.histogram({
      name: 'arkwatch_redis_command_duration_seconds',
      help: 'Time from call to answer.',
      buckets: seconds,
    })
    const handle = took.labels({})
    redis.commands.observe = (value) => handle.observe(value)
    const total = (name: string, help: string) => metrics.counter({ name: `arkwatch_redis_${name}_total`, help })
    const counters = {
      commands: total('commands', 'Commands sent.'),
      refused: total('refused', 'Commands that the server refused.'),
      timeouts: total('timeouts', 'Commands without an answer in time.'),
      rejected: total('rejected', 'Commands refused without asking the server.'),
      reconnects: total('reconnects', 'Connections made after the first.'),
    }
    const before = { commands: 0, refused: 0, timeouts: 0, rejected: 0, reconnects: 0 }
    return () => {
      const stats = redis.stats()
      up.set({}, stats.state === 'ready' ? 1 : 0)
      queued.set({}, stats.queued)
      pending.set({}, stats.pending)
      for (const name of ['commands', 'refused', 'timeouts', 'rejected', 'reconnects'] as const) {
        counters[name].inc({}, stats[name] - before[name])
        before[name] = stats[name]
      }
    }
  },
})

/** What the server says of itself. */
export const redisInfoCollector = (redis: RedisConnections): Collector => ({
  name: 'redis.info',
  everyMs: 15_000,
  setup(metrics) {
    const gauges = fields.map(([field, name, help]) => [field, metrics.gauge({ name, help })] as const)
    return async () => {
      const info = await redis.info().catch(() => undefined)
      for (const [field, gauge] of gauges) if (info?.has(field)) gauge.set({}, Number(info.get(field)))
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
