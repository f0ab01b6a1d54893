/** What others offer for the same purpose, set up as their own documentation says. */
import { httpInstrumentationMiddleware } from '@hono/otel'
import { prometheus } from '@hono/prometheus'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { pinoLogger } from 'hono-pino'
import pino from 'pino'
import { Registry } from 'prom-client'
import type { Variant } from './variant.ts'

/** Typed as nothing in particular: the SDK may bring a copy of the API of its own, whose types differ. */
const meterProvider = (): never =>
  new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
        exportIntervalMillis: 60_000,
      }),
    ],
  }) as never

/** Batches spans and throws them away. */
const tracerProvider = () =>
  new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor({ export: (_, done) => done({ code: 0 }), shutdown: async () => {} })],
  })

const pinoTo = (sync: boolean) => pinoLogger({ pino: pino({}, pino.destination({ dest: '/dev/null', sync })) })

export const peers: readonly Variant[] = [
  { name: 'empty app.use', open: (app) => app((made) => made.use('*', (_, next) => next())).fetch },
  {
    name: '@hono/prometheus',
    open: (app) => app((made) => made.use('*', prometheus({ registry: new Registry() }).registerMetrics)).fetch,
  },
  {
    name: '@hono/otel, metrics only',
    open: (app) =>
      app((made) => made.use(httpInstrumentationMiddleware({ meterProvider: meterProvider(), disableTracing: true })))
        .fetch,
  },
  {
    name: '@hono/otel, metrics and traces',
    open: (app) =>
      app((made) =>
        made.use(httpInstrumentationMiddleware({ meterProvider: meterProvider(), tracerProvider: tracerProvider() })),
      ).fetch,
  },
  { name: 'hono-pino, sync', open: (app) => app((made) => made.use(pinoTo(true))).fetch },
  { name: 'hono-pino, async', open: (app) => app((made) => made.use(pinoTo(false))).fetch },
]
