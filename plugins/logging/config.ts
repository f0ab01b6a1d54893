import { z } from 'zod'
import { duration, levels, secret, size } from '../../core/plugin.ts'

const level = () => z.enum(levels)
const flag = (fallback: boolean) => z.boolean().default(fallback)
const whole = (min: number, max: number, fallback: number) => z.int().min(min).max(max).default(fallback)

const Rotation = z.strictObject({
  size: size({ min: '1KiB' }).prefault('64MiB').describe('A file that would grow beyond this size is rotated first.'),
  every: duration({ min: '1m' }).optional().describe('Rotate also at each multiple of this time, in UTC.'),
  files: whole(0, 1_000, 5).describe('Rotated files that are kept; older ones are deleted.'),
})

const file = (defaultLevel: 'trace' | 'error', what: string) =>
  z.strictObject({
    path: z.string().min(1).describe(`${what}, relative to the data directory.`),
    level: level().default(defaultLevel).describe('Lines below this level are left out.'),
    rotate: Rotation.prefault({}).describe('When the file is rotated.'),
  })

const AccessLog = z.strictObject({
  file: z.string().min(1).optional().describe('The access log file, relative to the data directory. Default: stdout.'),
  rotate: Rotation.prefault({}).describe('When the file is rotated.'),
  path: flag(false).describe(
    'Add the path, without its query. Together with `requestId` the path costs a quarter of a bare request.',
  ),
  requestId: flag(false).describe('Add the request id. Together with `path` the id costs a quarter of a bare request.'),
  capacity: whole(256, 1_048_576, 16_384).describe(
    'Requests that may wait for the writer; further ones are counted and lost.',
  ),
})

const Options = z.strictObject({
  level: level().default('info').describe('The level of every logger that has no other level.'),
  loggers: z
    .record(z.string().min(1), level())
    .default({})
    .describe('Levels by logger; `health` covers `health.postgres` too.'),
  console: z
    .strictObject({
      enabled: flag(true).describe('Whether lines go to the console.'),
      level: level().default('trace').describe('Lines below this level are left out.'),
      format: z.enum(['auto', 'json', 'pretty']).default('auto').describe('`auto` is pretty on a terminal, else JSON.'),
      stream: z.enum(['stdout', 'stderr']).default('stdout').describe('The stream of the console.'),
    })
    .prefault({})
    .describe('The console.'),
  file: file('trace', 'The log file').optional().describe('A file of JSON lines.'),
  errorFile: file('error', 'The file of errors').optional().describe('A second file, for errors only.'),
  buffer: size({ min: '4KiB', max: '1GiB' })
    .prefault('8MiB')
    .describe('Size of the lines that may wait for a slow sink, for each sink; further lines are counted and lost.'),
  callSite: flag(false).describe(
    'Add module, function and line to every line; trace and debug lines always have these fields.',
  ),
  context: flag(false).describe(
    'Whether every line written during a request has requestId and traceId. Costs 4-15 % of a bare request.',
  ),
  redact: z
    .strictObject({
      keys: z.array(z.string().min(1)).default([]).describe('Further words that make a key secret, at any depth.'),
      mode: z
        .enum(['mask', 'hmac'])
        .default('mask')
        .describe('`hmac` shows a keyed digest, equal for equal secrets, in place of `[redacted]`.'),
      hmacKey: secret().min(16).optional().describe('The key of `hmac`. Default: a new one for each process.'),
    })
    .prefault({})
    .describe('How secrets are removed.'),
  storm: z
    .strictObject({
      first: z
        .int()
        .min(0)
        .default(1_000)
        .describe('Lines of one logger and message that pass in a window; 0: all of them.'),
      window: duration({ min: '1s', max: '1h' }).prefault('10s').describe('Length of the window.'),
      level: level().default('warn').describe('Lines below this level always pass, and `fatal` ones too.'),
    })
    .prefault({})
    .describe('The limit of a repeated message: the rest of a window becomes one line with `suppressed`.'),
  recent: z
    .strictObject({
      lines: whole(0, 100_000, 1_000).describe('Lines kept in memory.'),
      size: size({ max: '256MiB' }).prefault('1MiB').describe('Characters kept in memory.'),
    })
    .prefault({})
    .describe('The newest lines, for `logs.recent` and the console.'),
  slowRequest: duration().prefault('1s').describe('A request that takes longer gets a line; `0`: no such lines.'),
  performanceEvery: duration()
    .prefault('60s')
    .describe('Period of the line with rates, latencies, loop lag and memory; `0`: no such line.'),
  access: z
    .union([z.boolean(), AccessLog])
    .default(false)
    .describe('A line for each request: time, method, route, status, duration. `true` writes to stdout.'),
})

export const LoggingConfig = Options.refine(({ file, errorFile, access }) => {
  const paths = [file?.path, errorFile?.path, typeof access === 'object' ? access.file : undefined].filter(Boolean)
  return new Set(paths).size === paths.length
}, 'file, errorFile and access.file must be different files')

export type LoggingConfig = z.output<typeof LoggingConfig>
export type FileSinkConfig = NonNullable<LoggingConfig['file']>
export type AccessLogConfig = z.output<typeof AccessLog>

/** @returns the options of the access log, or undefined where it is off */
export const accessLogConfig = ({ access }: LoggingConfig): AccessLogConfig | undefined =>
  access === false ? undefined : access === true ? AccessLog.parse({}) : access

/** Defaults by environment, below config.yaml. */
export const loggingPresets = {
  development: { level: 'debug' },
  production: { level: 'info', console: { format: 'json' } },
} satisfies Partial<Record<'development' | 'production', z.input<typeof LoggingConfig>>>
