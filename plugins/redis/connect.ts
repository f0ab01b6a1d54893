/** Makes clients of ioredis, imported when the plugin starts. */
import type { Redis as Client, RedisOptions } from 'ioredis'
import type { Clock } from '../../core/plugin.ts'
import type { RedisConfig } from './config.ts'
import { redisError } from './errors.ts'

export type { Client }
/** Makes a client that connects immediately and reconnects without end. @param name shown in CLIENT LIST */
export type Connect = (name: string) => Client

/**
 * Nothing queues, resends or resubscribes inside the client: the plugin does, with bounds.
 * @returns the options of ioredis
 */
const clientOptions = (config: RedisConfig, name: string): RedisOptions => ({
  protocol: 2,
  connectionName: `arkwatch-${name}`,
  enableOfflineQueue: false,
  enableReadyCheck: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: config.connectTimeout,
  // A server that does not answer does not close its side either.
  disconnectTimeout: config.commandTimeout,
  retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt - 1, 16), config.reconnectMax),
  ...(config.tls && {
    tls: {
      rejectUnauthorized: config.tls.verify,
      ...(config.tls.ca && { ca: config.tls.ca }),
      ...(config.tls.cert && { cert: config.tls.cert }),
      ...(config.tls.key && { key: config.tls.key }),
      ...(config.tls.serverName && { servername: config.tls.serverName }),
    },
  }),
})

/** @param load imports the package @throws REDIS_PACKAGE_MISSING */
export async function connector(
  config: RedisConfig,
  load: () => Promise<{ Redis: new (url: string, options: RedisOptions) => Client }> = () => import('ioredis'),
): Promise<Connect> {
  const { Redis } = await load().catch((thrown) => {
    throw redisError('REDIS_PACKAGE_MISSING', {}, thrown)
  })
  return (name) => new Redis(config.url, clientOptions(config, name))
}

/**
 * Makes a connection again whose other side accepted and does not answer the first commands: the timeout of the client
 * ends when the socket is open.
 * @param ms for the answers, from the open socket on
 */
export function boundHandshake(client: Client, clock: Clock, ms: number): Client {
  let cancel = () => {}
  client.on('connect', () => {
    cancel()
    cancel = clock.after(ms, () => {
      // The client does so where the socket does not open in time. Otherwise the server seems to have closed the
      // connection.
      client.emit('error', new Error(`the server did not answer within ${ms} ms`))
      client.disconnect(true)
    })
  })
  for (const event of ['ready', 'close', 'end']) client.on(event, () => cancel())
  return client
}
