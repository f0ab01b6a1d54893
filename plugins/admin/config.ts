import { z } from 'zod'
import { bindHost, duration, secret } from '../../core/plugin.ts'
import { accessLevels } from './guard/roles.ts'
import { weaknessOf } from './keys/key.ts'

const list = <Item extends z.ZodType>(item: Item) => z.array(item).max(100).default([])
const count = (most: number, fallback: number) => z.int().min(1).max(most).default(fallback)

const Tls = z.strictObject({
  cert: z
    .string()
    .min(1)
    .describe(
      'File with the certificate chain, PEM, relative to the data directory. Read again when the file changes.',
    ),
  key: z.string().min(1).describe('File with the private key, PEM, relative to the data directory.'),
})

const Listen = z.strictObject({
  host: bindHost().default('127.0.0.1').describe('Address of the listener.'),
  port: z.int().min(0).max(65_535).default(9_091).describe('Port. 0: any free port.'),
  unix: z
    .string()
    .min(1)
    .optional()
    .describe('Path of a Unix socket for the owner alone, in place of host and port; relative to the data directory.'),
  tls: Tls.optional().describe('Serve HTTPS.'),
})

const Service = z.strictObject({
  command: z
    .array(z.string().min(1))
    .min(1)
    .max(50)
    .describe('Program and arguments. Runs without a shell: nothing is expanded, and requests add nothing.'),
  timeout: duration({ min: '1s', max: '10m' }).prefault('30s').describe('Time after which the command is killed.'),
})

export const AdminConfig = z.strictObject({
  apiKey: secret()
    .superRefine((text, context) => {
      const weakness = text === '' ? undefined : weaknessOf(text)
      if (weakness !== undefined) context.addIssue({ code: 'custom', message: weakness })
    })
    .optional()
    .describe(
      'A key with the role admin, at least 24 characters. `ADMIN_API_KEY` sets this option. Without any key a new one is written to `admin.key` in the directory `data`.',
    ),
  listen: Listen.optional().describe(
    'A listener for the API alone. Without one the API is on the public listener, which must then be on loopback.',
  ),
  allowedHosts: list(z.string().min(1)).describe(
    'Host names, without ports, of the API besides those of the listener and of loopback.',
  ),
  allowedOrigins: list(z.url()).describe('Origins of pages that may call the API, besides the pages on allowed hosts.'),
  endpoints: z
    .record(z.string().regex(/^[a-z][a-zA-Z-]*$/), z.enum(accessLevels))
    .default({})
    .describe(
      'Access by group of operations: `none`, `read-only` or `unrestricted`. `shutdown` and `heapdump` are `none` unless set here.',
    ),
  maxAccess: z.enum(accessLevels).default('unrestricted').describe('Upper limit of the access of every group.'),
  rateLimit: z
    .strictObject({
      requests: count(1_000_000, 600).describe('Requests of one key in a window.'),
      window: duration({ min: '1s', max: '1h' }).prefault('1m').describe('The window.'),
    })
    .prefault({})
    .describe('Limit of requests.'),
  lockout: z
    .strictObject({
      failures: count(1_000, 10).describe('Failed attempts in a window before the address is locked out.'),
      window: duration({ min: '1s', max: '1h' })
        .prefault('1m')
        .describe(
          'The window, and the duration of the first lock-out; each further lock-out within a day lasts twice as long.',
        ),
      max: duration({ min: '1s', max: '24h' }).prefault('1h').describe('Longest lock-out.'),
    })
    .prefault({})
    .describe('Lock-out of addresses after failed attempts. A valid key is answered during a lock-out.'),
  session: z
    .strictObject({
      idle: duration({ min: '1m', max: '24h' })
        .prefault('30m')
        .describe('Time without a request after which a browser session ends.'),
      absolute: duration({ min: '1m', max: '7d' }).prefault('12h').describe('Longest duration of a browser session.'),
      max: count(10_000, 100).describe(
        'Sessions at one time; a further session replaces the one that was used longest ago.',
      ),
    })
    .prefault({})
    .describe('Browser sessions.'),
  systemMetrics: z
    .strictObject({
      every: duration({ min: '1s', max: '1h' })
        .prefault('1m')
        .describe('How often the system is measured for `/admin/metrics/system`.'),
      retention: duration({ min: '1h', max: '365d' })
        .prefault('30d')
        .describe('How long samples are kept. `METRICS_RETENTION_DAYS` sets this option.'),
    })
    .prefault({})
    .describe('System metrics over time.'),
  services: z
    .record(z.string().regex(/^[a-z][\w-]*$/), Service)
    .default({})
    .describe('External services that `/admin/restart/service` may restart, by name.'),
  maxStreams: count(1_000, 20).describe('Open event streams at one time; one key opens at most half of them.'),
})
export type AdminConfig = z.output<typeof AdminConfig>
