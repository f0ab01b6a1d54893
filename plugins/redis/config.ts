import { z } from 'zod'
import { duration, secret } from '../../core/plugin.ts'
import { isServerUrl, wellFormed } from '../server-url.ts'

const whole = (min: number, max: number, fallback: number) => z.int().min(min).max(max).default(fallback)

const Tls = z.strictObject({
  ca: z.string().optional().describe('PEM text of the authority that signed the server’s certificate.'),
  cert: z.string().optional().describe('PEM text of the client’s certificate.'),
  key: secret().optional().describe('PEM text of the client’s key.'),
  serverName: z.string().optional().describe('Name expected in the certificate; unset: the host of the URL.'),
  verify: z.boolean().default(true).describe('Whether a certificate that cannot be verified is refused.'),
})

export const RedisConfig = z
  .strictObject({
    url: secret()
      .refine(
        (url) => url === '' || (/^rediss?:\/\//i.test(url) && isServerUrl(url)),
        `expected a URL that begins with redis:// or rediss://, ${wellFormed}`,
      )
      .default('')
      .describe('`redis://` or `rediss://`; empty: the plugin is disabled.'),
    tls: Tls.optional().describe('Settings of TLS, for `rediss://`.'),
    connectTimeout: duration({ min: '10ms', max: '1d' })
      .prefault('5s')
      .describe('Time limit for opening a connection, and again for the first answers.'),
    commandTimeout: duration({ min: '10ms', max: '1d' })
      .prefault('1s')
      .describe('Time limit for a command, the wait for the connection included.'),
    maxQueue: whole(0, 1_000_000, 1_000).describe('Commands that may wait for a connection; further ones are refused.'),
    maxPending: whole(1, 1_000_000, 10_000).describe('Commands that may wait for an answer; further ones are refused.'),
    reconnectMax: duration({ min: '50ms' })
      .prefault('5s')
      .describe('Longest back-off between two attempts to connect.'),
    failures: whole(1, 1_000, 3).describe('Timeouts in a row that open the breaker.'),
    coolDown: duration({ min: '10ms' })
      .prefault('2s')
      .describe('How long the open breaker refuses commands before one is sent.'),
    keepAlive: duration({ min: '100ms' })
      .prefault('10s')
      .describe(
        'Period of the test of the connections for commands and messages; one that does not answer is opened again.',
      ),
    critical: z.boolean().default(false).describe('Whether the overall health is down when Redis is down.'),
  })
  .describe('Shared connections to Redis.')
export type RedisConfig = z.output<typeof RedisConfig>
