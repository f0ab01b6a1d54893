/** The schemas of the checks that config.yaml can name, one for each kind. */
import { z } from 'zod'
import { duration, secret } from '../../core/plugin.ts'
import { isServerUrl, wellFormed } from '../server-url.ts'
import { checkNames } from './api.ts'
import { parseCondition } from './conditions/parse.ts'

const ratio = () => z.number().min(0).max(1)
const port = () => z.int().min(1).max(65_535)
const host = () => z.string().min(1).max(253)
export const checkName = () => z.string().regex(checkNames, 'expected letters, digits, "_", "." and "-"')

const threshold = () => z.int().min(1).max(100).default(1)

const common = {
  every: duration({ min: '1s', max: '1d' }).prefault('15s').describe('Period of the check.'),
  timeout: duration({ min: '10ms', max: '5m' }).prefault('5s').describe('A run that takes longer fails.'),
  critical: z.boolean().default(false).describe('Whether the overall status is down when this check is down.'),
  groups: z.array(checkName()).max(20).default([]).describe('Groups of the check; `ready` is the group of `/readyz`.'),
  dependsOn: z.array(checkName()).max(20).default([]).describe('Checks that must be up, else this check is unknown.'),
  failureThreshold: threshold().describe('Failures in a row before the check is down.'),
  successThreshold: threshold().describe('Successes in a row before a check that is down recovers.'),
  initialDelay: duration({ max: '1h' }).prefault('0').describe('Wait before the first run.'),
  degradedAbove: duration({ min: '1ms' }).optional().describe('Latency above which the check is degraded.'),
}
/** Those of a check that has a limit of its own, or nothing to time. */
const { degradedAbove: _, ...untimed } = common

/** A url with credentials; a message about an invalid url does not hold the url. */
const targetUrl = (schemes: RegExp, example: string) =>
  secret()
    .max(2_048)
    .default('')
    .refine((url) => url === '' || schemes.test(url), `expected a url such as ${example}`)
    .refine((url) => !schemes.test(url) || isServerUrl(url), `expected a url ${wellFormed}`)
    .describe(`Address with credentials, \`${example}\`; empty: the check is off.`)

const sqlUrl = /^(postgres(ql)?|mysql|mariadb)(\+[a-z0-9_]+)?:\/\//i
const redisUrl = /^rediss?:\/\//i

const sql = {
  connectionsDegradedAbove: ratio()
    .default(0.9)
    .describe('Share of the server’s connections in use above which the check is degraded.'),
  lagDegradedAbove: duration().prefault('30s').describe('Replication lag above which the check is degraded.'),
}

const Postgres = z.strictObject({
  kind: z.literal('postgres').describe('PostgreSQL; with a mysql:// or mariadb:// url the kind is mysql.'),
  url: targetUrl(sqlUrl, 'postgres://user:password@host:5432/database'),
  ...sql,
  ...common,
})

const Mysql = z.strictObject({
  kind: z.enum(['mysql', 'mariadb']).describe('MySQL or MariaDB; with a postgres:// url the kind is postgres.'),
  url: targetUrl(sqlUrl, 'mysql://user:password@host:3306/database'),
  ...sql,
  ...common,
})

const Redis = z.strictObject({
  kind: z.literal('redis').describe('Redis or Valkey: PING and INFO.'),
  url: targetUrl(redisUrl, 'redis://:password@host:6379/0'),
  role: z
    .enum(['any', 'master', 'replica'])
    .default('any')
    .describe('Expected role; with another role the check is degraded.'),
  memoryDegradedAbove: ratio().default(0.9).describe('Share of maxmemory above which the check is degraded.'),
  clientsDegradedAbove: ratio().default(0.9).describe('Share of maxclients above which the check is degraded.'),
  ...common,
})

const webUrl = z
  .string()
  .max(2_048)
  .default('')
  .refine((text) => text === '' || /^https?:\/\/[^/]/.test(text), 'expected http://… or https://…')
  .refine((text) => !/^https?:\/\/[^/?#]*@/.test(text), 'expected no credentials in the url: put them into `headers`')

const conditions = () =>
  z
    .array(
      z.string().superRefine((text, context) => {
        const parsed = parseCondition(text)
        if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.what })
      }),
    )
    .max(20)
    .default([])

const Http = z.strictObject({
  kind: z.literal('http').describe('A request and its answer.'),
  url: webUrl.describe('Address without credentials; empty: the check is off.'),
  method: z.enum(['GET', 'HEAD', 'POST', 'OPTIONS']).default('GET').describe('Request method.'),
  headers: z.record(z.string().max(200), secret().max(4_096)).default({}).describe('Request headers; never shown.'),
  status: z
    .array(z.union([z.int().min(100).max(599), z.string().regex(/^[1-5]xx$/)]))
    .min(1)
    .default(['2xx'])
    .describe('Statuses that are up: numbers or classes such as `2xx`.'),
  conditions: conditions().describe(
    'Conditions, else the check is down: `[STATUS] == any(200, 429)`, `[BODY].items[0].name == pat(x*)`. A condition on `[STATUS]` replaces `status`.',
  ),
  degradedConditions: conditions().describe('Conditions, else the check is degraded: `[RESPONSE_TIME] < 500`.'),
  bodyContains: z.string().min(1).max(1_000).optional().describe('Text that the first 64 KiB of the body must hold.'),
  followRedirects: z
    .boolean()
    .default(false)
    .describe('Whether redirects are followed; otherwise the redirect’s own status counts.'),
  tlsVerify: z.boolean().default(true).describe('Whether the certificate is verified.'),
  tlsCaFile: z
    .string()
    .max(1_024)
    .optional()
    .describe('PEM file of the authority to trust, relative to the working directory.'),
  ...common,
})

const Tcp = z.strictObject({
  kind: z.literal('tcp').describe('A TCP connection.'),
  host: host().default('127.0.0.1').describe('Host name or address.'),
  port: port().describe('Port.'),
  ...common,
})

const Dns = z.strictObject({
  kind: z.literal('dns').describe('A name that must resolve.'),
  host: host().describe('Name to resolve.'),
  type: z.enum(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'SRV', 'TXT']).default('A').describe('Record type.'),
  server: z
    .string()
    .max(100)
    .optional()
    .describe('Address of the server, `1.1.1.1` or `127.0.0.1:5353`. Default: the servers of the system.'),
  expect: z.array(z.string().max(500)).max(50).default([]).describe('Values that must be among the answers.'),
  ...common,
})

const Tls = z.strictObject({
  kind: z.literal('tls').describe('The certificate that a TLS server shows.'),
  host: host().describe('Host name or address.'),
  port: port().default(443).describe('Port.'),
  servername: host().optional().describe('Requested server name (SNI). Default: the host.'),
  verify: z.boolean().default(true).describe('Whether an untrusted certificate is down.'),
  caFile: z
    .string()
    .max(1_024)
    .optional()
    .describe('PEM file of the authority to trust, relative to the working directory.'),
  degradedBelow: duration().prefault('14d').describe('Remaining validity below which the check is degraded.'),
  downBelow: duration().prefault('3d').describe('Remaining validity below which the check is down.'),
  ...common,
  every: duration({ min: '1s', max: '1d' }).prefault('5m').describe('Period of the check.'),
})

const Disk = z.strictObject({
  kind: z.literal('disk').describe('Space and inodes of a file system.'),
  path: z
    .string()
    .min(1)
    .max(1_024)
    .default('/')
    .describe('Any path on the file system, relative to the working directory.'),
  degradedAbove: ratio().default(0.85).describe('Used share above which the check is degraded.'),
  downAbove: ratio().default(0.95).describe('Used share above which the check is down.'),
  ...untimed,
})

const Process = z
  .strictObject({
    kind: z.literal('process').describe('A process of this machine, by pid file or by name.'),
    pidFile: z
      .string()
      .min(1)
      .max(1_024)
      .optional()
      .describe('File that holds the pid, relative to the working directory.'),
    name: z.string().min(1).max(255).optional().describe('Name of the executable, as in `ps -o comm`.'),
    ...untimed,
  })
  .refine(
    (check) => (check.pidFile === undefined) !== (check.name === undefined),
    'expected either `pidFile` or `name`',
  )

const EventLoop = z.strictObject({
  kind: z.literal('eventLoop').describe('The delay of this process’ own event loop.'),
  degradedAbove: duration({ min: '1ms' }).prefault('100ms').describe('p99 delay above which the check is degraded.'),
  downAbove: duration({ min: '1ms' }).prefault('1s').describe('p99 delay above which the check is down.'),
  ...untimed,
})

const kinds = [Postgres, Mysql, Redis, Http, Tcp, Dns, Tls, Disk, Process, EventLoop] as const
export const CheckConfig = z.discriminatedUnion('kind', kinds)
export type CheckConfig = z.output<typeof CheckConfig>
