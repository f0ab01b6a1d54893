/** What happens, as it happens: server-sent events. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
import { createRoute, z } from '@hono/zod-openapi'
import type { Cancel, Clock, Runtime } from '../../../core/plugin.ts'
import type { Audit } from '../../audit/api.ts'
import type { Health } from '../../health/api.ts'
import type { Logging } from '../../logging/api.ts'
import { operation } from '../api.ts'
import { adminError } from '../errors.ts'
import { createApi } from '../http/compose.ts'
import { iso } from '../http/reply.ts'
import type { Samples } from '../samples.ts'
import { levels, parseLine } from './logs.ts'
import { shownStatus } from './plugins.ts'

/** Below Bun's idle timeout, which would cut the connection off. */
const heartbeatMs = 15_000
const metricsMs = 5_000
/** How soon a stream ends after its key was revoked or its session ended. */
const lookMs = 1_000
/** Bytes that wait for a slow reader before it is dropped. */
export const maxBufferedBytes = 256 * 1024

const topics = ['metrics', 'health', 'status', 'logs'] as const
/** Records are for auditors, on a path of their own. */
type Topic = (typeof topics)[number] | 'audit'

export interface StreamCounts {
  open: number
  dropped: number
}

export interface StreamOptions {
  readonly clock: Clock
  readonly runtime: Runtime
  readonly samples: Samples
  readonly counts: StreamCounts
  health(): Health | undefined
  logging(): Logging | undefined
  readonly audit: Pick<Audit, 'follow'>
  maxStreams(): number
  /** Aborted when the plugin stops. */
  readonly signal: AbortSignal
}

const eventHeaders = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' }

/** One event as text. */
export const eventText = (event: string, data: unknown, id?: number): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`

export interface Subscription {
  readonly topics: readonly Topic[]
  readonly level?: (typeof levels)[number]
  readonly logger?: string
}

/** @returns the events as bytes; ends when the reader goes, falls too far behind, may no longer be there, or the plugin stops */
export function openStream(
  options: StreamOptions,
  { topics: wanted, level, logger }: Subscription,
  isStillIn: () => boolean = () => true,
): ReadableStream<Uint8Array> {
  const { clock, runtime, samples, counts, health, logging, audit, maxStreams, signal } = options
  if (counts.open >= maxStreams()) throw adminError('ADMIN_STREAM_LIMIT', { limit: maxStreams() })
  const encoder = new TextEncoder()
  const undo: Cancel[] = []
  let closed = false
  counts.open += 1
  const close = () => {
    if (closed) return
    closed = true
    counts.open -= 1
    for (const each of undo) each()
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = () => {
          if (closed) return
          close()
          controller.close()
        }
        const send = (text: string) => {
          if (closed) return
          const bytes = encoder.encode(text)
          if ((controller.desiredSize ?? 0) < bytes.length) {
            counts.dropped += 1
            close()
            controller.error(new Error('the reader is too slow'))
            return
          }
          controller.enqueue(bytes)
        }
        signal.addEventListener('abort', end)
        undo.push(() => signal.removeEventListener('abort', end))
        send(`retry: 3000\n${eventText('hello', { topics: wanted, time: iso(clock.now()) })}`)
        undo.push(clock.every(heartbeatMs, () => send(': heartbeat\n\n')))
        undo.push(clock.every(lookMs, () => void (isStillIn() || end())))
        if (wanted.includes('metrics')) {
          undo.push(clock.every(metricsMs, async () => send(eventText('metrics', measured(await samples.measure())))))
        }
        if (wanted.includes('status')) {
          let last = ''
          undo.push(
            clock.every(1_000, () => {
              const now = JSON.stringify(
                runtime.status().plugins.map(({ name, state, reason }) => ({ name, state, reason })),
              )
              if (now === last) return
              last = now
              send(eventText('status', { ...shownStatus(runtime), states: JSON.parse(now) }))
            }),
          )
        }
        if (wanted.includes('health')) {
          const stop = health()?.onChange(({ name, status, message, changedAtMs }, before) =>
            send(eventText('health', { name, before, status, message, time: iso(changedAtMs) })),
          )
          if (stop !== undefined) undo.push(stop)
        }
        if (wanted.includes('audit')) undo.push(audit.follow((record) => send(eventText('record', record, record.seq))))
        if (wanted.includes('logs')) {
          const filter = { ...(level && { level }), ...(logger && { logger }) }
          const tail = logging()?.tail((entries, dropped) => {
            for (const entry of entries) send(eventText('log', parseLine(entry.line), entry.sequence))
            if (dropped > 0) send(eventText('dropped', { lines: dropped }))
          }, filter)
          if (tail !== undefined) undo.push(() => tail.stop())
        }
      },
      cancel: close,
    },
    { highWaterMark: maxBufferedBytes, size: (chunk) => chunk?.byteLength ?? 0 },
  )
}

const measured = ({
  timeMs,
  cpuPercent,
  memoryPercent,
  memoryAvailableMb,
  diskPercent,
  diskFreeGb,
}: Awaited<ReturnType<Samples['measure']>>) => ({
  timestamp: iso(timeMs),
  cpu_percent: cpuPercent,
  memory_percent: memoryPercent,
  memory_available_mb: memoryAvailableMb,
  disk_percent: diskPercent,
  disk_free_gb: diskFreeGb,
})

export function streamRoutes(options: StreamOptions) {
  const app = createApi()
  app.openapi(
    createRoute({
      ...operation({
        id: 'stream.open',
        access: 'viewer',
        errors: [503],
        summary: 'Follows metrics, health changes, plugin states and log lines as server-sent events.',
      }),
      method: 'get',
      path: '/stream',
      request: {
        query: z.object({
          topics: z
            .string()
            .regex(/^[a-z]+(,[a-z]+)*$/)
            .default(topics.join(','))
            .openapi({ description: `Some of ${topics.join(', ')}, with commas between.` }),
          level: z.enum(levels).optional().openapi({ description: 'Log lines of at least this level.' }),
          logger: z
            .string()
            .max(128)
            .optional()
            .openapi({ description: 'Log lines of this logger and those below it.' }),
        }),
      },
      responses: { 200: { description: 'The events.', content: { 'text/event-stream': { schema: z.string() } } } },
    }),
    (c) => {
      const { topics: text, level, logger } = c.req.valid('query')
      const wanted = text.split(',')
      const unknown = wanted.find((topic) => !topics.includes(topic as (typeof topics)[number]))
      if (unknown !== undefined)
        throw adminError('ADMIN_INVALID', {
          errors: [{ parameter: 'topics', detail: `${unknown} is none of ${topics.join(', ')}` }],
        })
      const filter = { ...(level && { level }), ...(logger && { logger }) }
      const stream = openStream(options, { topics: wanted as Topic[], ...filter }, c.var.isStillIn)
      return c.body(stream, 200, eventHeaders) as never
    },
  )
  app.openapi(
    createRoute({
      ...operation({
        id: 'audit.follow',
        access: 'auditor',
        sensitive: true,
        summary: 'Follows the records of the audit log as server-sent events.',
      }),
      method: 'get',
      path: '/audit/stream',
      responses: { 200: { description: 'The records.', content: { 'text/event-stream': { schema: z.string() } } } },
    }),
    (c) => c.body(openStream(options, { topics: ['audit'] }, c.var.isStillIn), 200, eventHeaders) as never,
  )
  return app
}
