/** Redis and Valkey: PING and INFO. One connection, kept between runs, made again only by the next run. */
import type { Redis, RedisOptions } from 'ioredis'
import type { CheckResult } from '../api.ts'
import { type ConfigOf, type Kind, keptConnection, percent, worst } from './kind.ts'

/** @param text the answer to INFO @returns its fields */
export const parseInfo = (text: string): ReadonlyMap<string, string> =>
  new Map(text.matchAll(/^([^:#\r\n][^:\r\n]*):([^\r\n]*)/gm).map(([, field, value]) => [field!, value!]))

type RedisLimits = Pick<ConfigOf<'redis'>, 'role' | 'memoryDegradedAbove' | 'clientsDegradedAbove'>

/** @param latencyMs of PING @returns up or degraded with memory, clients and role as details */
export function evaluateRedis(info: ReadonlyMap<string, string>, latencyMs: number, limits: RedisLimits): CheckResult {
  const number = (key: string): number | undefined => (info.has(key) ? Number(info.get(key)) : undefined)
  const memory = number('used_memory')
  const maxMemory = number('maxmemory')
  const clients = number('connected_clients')
  const maxClients = number('maxclients')
  const role = info.get('role') === 'slave' ? 'replica' : info.get('role')
  const over = (used = 0, max: number | undefined, limit: number, what: string) =>
    max !== undefined &&
    max > 0 &&
    used / max > limit && {
      status: 'degraded' as const,
      message: `${percent(used / max)} of ${what} in use, over ${percent(limit)}`,
    }
  const verdict = worst(
    limits.role !== 'any' &&
      role !== limits.role && { status: 'degraded', message: `role is ${role}, not ${limits.role}` },
    info.get('master_link_status') === 'down' && { status: 'degraded', message: 'link to the master is down' },
    over(memory, maxMemory, limits.memoryDegradedAbove, 'maxmemory'),
    over(clients, maxClients, limits.clientsDegradedAbove, 'maxclients'),
  )
  return {
    ...verdict,
    latencyMs,
    details: {
      ...(memory !== undefined && { memoryUsedBytes: memory }),
      ...(maxMemory && { memoryMaxBytes: maxMemory }),
      ...(clients !== undefined && { clients }),
      ...(maxClients !== undefined && { clientsMax: maxClients }),
      ...(role !== undefined && { role }),
      ...(info.has('redis_version') && { version: info.get('redis_version')! }),
    },
  }
}

type RedisClass = new (url: string, options: RedisOptions) => Redis

/** No queue and no reconnect: the check's own period is the retry. */
const options = (timeoutMs: number): RedisOptions => ({
  ...{ protocol: 2, lazyConnect: true, enableOfflineQueue: false, enableReadyCheck: false },
  ...{ maxRetriesPerRequest: 0, retryStrategy: () => null, reconnectOnError: null },
  ...{ connectTimeout: timeoutMs, commandTimeout: timeoutMs, connectionName: 'arkwatch-health' },
})

export const redis: Kind<'redis'> = (config, { load, monotonic }) => {
  let lastError: Error | undefined
  const ask = async (client: Redis): Promise<CheckResult> => {
    if (client.status === 'wait') await client.connect()
    const startedMs = monotonic()
    await client.ping()
    const latencyMs = monotonic() - startedMs
    return evaluateRedis(parseInfo(await client.info().catch(() => '')), latencyMs, config)
  }
  return keptConnection(
    async () => {
      const { Redis } = await load<{ Redis: RedisClass }>('ioredis')
      return new Redis(config.url, options(config.timeout)).on('error', (error: Error) => {
        lastError = error
      })
    },
    (client) => {
      lastError = undefined
      return ask(client).catch((thrown) => {
        throw lastError ?? thrown
      })
    },
    (client) => client.disconnect(),
  )
}
