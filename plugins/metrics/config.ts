import { z } from 'zod'
import { bindHost } from '../../core/plugin.ts'
import { HostConfig, ProcessConfig } from '../host-options.ts'

const whole = (min: number, max: number, fallback: number) => z.int().min(min).max(max).default(fallback)
const labelName = z.string().regex(/^(?!__)(?!le$|quantile$)[a-zA-Z_][a-zA-Z0-9_]*$/)

export const MetricsConfig = z.strictObject({
  path: z
    .string()
    .regex(/^\/[\w\-./]*$/)
    // Clients take `.`, `..` and the host of `//host` out of a path.
    .regex(/^(?!.*\/(?:\.{0,2}\/|\.{1,2}$))/, 'expected a path without empty segments, `.` and `..`')
    .default('/metrics')
    .describe('Path of the exposition.'),
  listen: z
    .strictObject({
      host: bindHost().default('127.0.0.1').describe('Address of the listener.'),
      port: z.int().min(0).max(65_535).describe('Port of the listener; 0 takes a free one.'),
    })
    .optional()
    .describe('A separate listener; without it the exposition is on the public listener.'),
  gzip: z.boolean().default(true).describe('Whether the exposition is compressed for scrapers that accept gzip.'),
  created: z
    .boolean()
    .default(true)
    .describe(
      'Whether each series of a counter, histogram or summary has the sample `_created` in OpenMetrics: when the count began.',
    ),
  maxSeries: whole(1, 1_000_000, 1_000).describe(
    'Series of a metric without its own limit; further series are added to __overflow__.',
  ),
  labels: z
    .record(labelName, z.string().max(1_024))
    .default({})
    .describe('Labels of every series; a label of the metric itself takes precedence.'),
  deny: z
    .array(z.string().min(1))
    .max(100)
    .default([])
    .describe('Prefixes of metric names that are neither exposed nor kept in history.'),
  compatibility: z
    .boolean()
    .default(false)
    .describe('Whether to expose arkrelay_request_duration_seconds{endpoint,method} too.'),
  app: z
    .strictObject({
      version: z.string().min(1).describe('Version of the application.'),
      revision: z.string().default('').describe('Commit from which the application was built.'),
    })
    .optional()
    .describe('Labels of app_build_info.'),
  http: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether requests are measured.'),
      maxSeries: whole(1, 100_000, 2_000).describe(
        'Combinations of method, route and status; further ones are added to __overflow__.',
      ),
    })
    .prefault({})
    .describe('Metrics of the requests that the runtime and wrapped applications serve.'),
  process: ProcessConfig.optional().describe(
    'Options of the plugin host for this process, where the section `host` sets none.',
  ),
  host: HostConfig.optional().describe('Options of the plugin host, where the section `host` sets none.'),
})
export type MetricsConfig = z.output<typeof MetricsConfig>
