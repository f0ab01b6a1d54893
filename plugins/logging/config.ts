/** The options of logging. */
import { z } from 'zod'
import { duration, levels, secret, size } from '../../core/plugin.ts'

const level = () => z.enum(levels)

const Rotation = z.strictObject({
  size: size({ min: '1KiB' }).prefault('64MiB').describe('A file that would grow beyond this is put aside first.'),
  every: duration({ min: '1m' }).optional().describe('Also put the file aside at each multiple of this time, in UTC.'),
  files: z.int().min(0).max(1_000).default(5).describe('How many files put aside are kept; older ones are deleted.'),
})

const file = (defaultLevel: 'trace' | 'error', what: string) =>
  z.strictObject({
    path: z.string().min(1).describe(`${what}, relative to the data folder.`),
    level: level().default(defaultLevel).describe('Lines below this level are left out.'),
    rotate: Rotation.prefault({}).describe('When the file is put aside.'),
  })

const AccessLog = z.strictObject({
  file: z.string().min(1).optional().describe('Where access lines go, relative to the data folder. Default: stdout.'),
  rotate: Rotation.prefault({}).describe('When the file is put aside.'),
  path: z
    .boolean()
    .default(false)
    .describe('Add the path of the request, without its query. With `requestId` it costs a quarter of a bare request.'),
  requestId: z
    .boolean()
    .default(false)
    .describe('Add the request id. With `path` it costs a quarter of a bare request.'),
  capacity: z
    .int()
    .min(256)
    .max(1_048_576)
    .default(16_384)
    .describe('Requests that may wait for the writer; what is over it is counted and lost.'),
})

const Options = z.strictObject({
  level: level().default('info').describe('The level of every logger that has none of its own.'),
  loggers: z
    .record(z.string().min(1), level())
    .default({})
    .describe('Levels by logger; `health` covers `health.postgres` too.'),
  console: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether lines go to the console.'),
      level: level().default('trace').describe('Lines below this level are left out.'),
      format: z.enum(['auto', 'json', 'pretty']).default('auto').describe('`auto` is pretty on a terminal, else JSON.'),
      stream: z.enum(['stdout', 'stderr']).default('stdout').describe('Which stream.'),
    })
    .prefault({})
    .describe('The console.'),
  file: file('trace', 'The log file').optional().describe('A file of JSON lines.'),
  errorFile: file('error', 'The file of errors').optional().describe('A second file, for errors only.'),
  buffer: size({ min: '4KiB', max: '1GiB' })
    .prefault('8MiB')
    .describe('What may wait for a slow sink, for each sink; what is over it is counted and lost.'),
  callSite: z
    .boolean()
    .default(false)
    .describe('Add module, function and line to every line; trace and debug lines always have them.'),
  context: z
    .boolean()
    .default(false)
    .describe('Put requestId and traceId on every line written during a request. Costs 4-15 % of a bare request.'),
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
    .describe('How secrets are kept out.'),
  storm: z
    .strictObject({
      first: z.int().min(0).default(1_000).describe('Lines of one logger and message that pass in a window; 0: all.'),
      window: duration({ min: '1s', max: '1h' }).prefault('10s').describe('Length of the window.'),
      level: level().default('warn').describe('Lines below this level always pass, and `fatal` ones too.'),
    })
    .prefault({})
    .describe('What happens to a message that repeats: the rest of a window becomes one line with `suppressed`.'),
  recent: z
    .strictObject({
      lines: z.int().min(0).max(100_000).default(1_000).describe('Lines kept in memory.'),
      size: size({ max: '256MiB' }).prefault('1MiB').describe('Characters kept in memory.'),
    })
    .prefault({})
    .describe('The newest lines, for `logs.recent` and the console.'),
  slowRequest: duration().prefault('1s').describe('A request that takes longer gets a line; `0` turns it off.'),
  performanceEvery: duration()
    .prefault('60s')
    .describe('How often a line says rates, latencies, loop lag and memory; `0` turns it off.'),
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
export type RotationConfig = z.output<typeof Rotation>
export type FileSinkConfig = NonNullable<LoggingConfig['file']>
export type AccessLogConfig = z.output<typeof AccessLog>

/** @returns the options of the access log, or undefined where it is off */
export const accessLogConfig = ({ access }: LoggingConfig): AccessLogConfig | undefined =>
  access === false ? undefined : access === true ? AccessLog.parse({}) : access

/** Values laid under config.yaml by environment. */
export const loggingPresets = {
  development: { level: 'debug' },
  production: { level: 'info', console: { format: 'json' } },
} satisfies Partial<Record<'development' | 'production', z.input<typeof LoggingConfig>>>
