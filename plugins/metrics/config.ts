import { z } from 'zod'
import { HostConfig, ProcessConfig } from '../host-options.ts'

const labelName = z.string().regex(/^(?!__)(?!le$|quantile$)[a-zA-Z_][a-zA-Z0-9_]*$/)

/** The section `plugins.metrics` of config.yaml. */
export const MetricsConfig = z.strictObject({
  path: z
    .string()
    .regex(/^\/[\w\-./]*$/)
    .default('/metrics')
    .describe('Where the exposition is served.'),
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1').describe('Address of the listener.'),
      port: z.int().min(0).max(65_535).describe('Port of the listener; 0 takes a free one.'),
    })
    .optional()
    .describe('A listener of its own; without it the exposition is served by the public one.'),
  gzip: z.boolean().default(true).describe('Whether to compress for scrapers that accept it.'),
  created: z
    .boolean()
    .default(true)
    .describe(
      'Whether OpenMetrics says since when counters, histograms and summaries count: one sample `_created` more for each series.',
    ),
  maxSeries: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_000)
    .describe('Series of a metric that sets no limit of its own; what is over it goes to __overflow__.'),
  labels: z
    .record(labelName, z.string().max(1_024))
    .default({})
    .describe('Labels that every series gets; a label of the metric itself goes first.'),
  deny: z
    .array(z.string().min(1))
    .max(100)
    .default([])
    .describe('Beginnings of metric names that are neither exposed nor kept in history.'),
  compatibility: z
    .boolean()
    .default(false)
    .describe('Whether to expose arkrelay_request_duration_seconds{endpoint,method} too.'),
  app: z
    .strictObject({
      version: z.string().min(1).describe('Version of the application.'),
      revision: z.string().default('').describe('Commit it was built from.'),
    })
    .optional()
    .describe('What app_build_info says.'),
  http: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether requests are measured.'),
      maxSeries: z
        .int()
        .min(1)
        .max(100_000)
        .default(2_000)
        .describe('Combinations of method, route and status; what is over it goes to __overflow__.'),
    })
    .prefault({})
    .describe('Metrics of the requests that the runtime and wrapped applications serve.'),
  process: ProcessConfig.optional().describe(
    'Options of the plugin host for this process, where the section `host` sets none.',
  ),
  host: HostConfig.optional().describe('Options of the plugin host, where the section `host` sets none.'),
})
export type MetricsConfig = z.output<typeof MetricsConfig>
