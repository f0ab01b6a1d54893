/** The machine: as it is, and over time. The keys are those of the original gateway. */

import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { memoryUsage } from 'node:process'
import { createRoute, z } from '@hono/zod-openapi'
import { operation } from '../api.ts'
import { createApi } from '../http/compose.ts'
import { cursor, iso, nextCursor, number, reply, time, timestamp } from '../http/reply.ts'
import { availableMemory, type Samples, shownSample } from '../samples.ts'

export const SampleSchema = z
  .object({
    id: z.int(),
    cpu_percent: z.number(),
    memory_percent: z.number(),
    memory_available_mb: z.number(),
    disk_percent: z.number(),
    disk_free_gb: z.number(),
    timestamp: time,
  })
  .openapi('SystemMetrics')

const gb = (bytes: number) => Math.round((bytes / 1_073_741_824) * 100) / 100

/** Bytes and packets of all interfaces but loopback, since the boot. */
export function networkTotals(text: string): {
  bytes_sent: number
  bytes_recv: number
  packets_sent: number
  packets_recv: number
} {
  const totals = { bytes_sent: 0, bytes_recv: 0, packets_sent: 0, packets_recv: 0 }
  for (const line of text.split('\n').slice(2)) {
    const [name, values] = line.split(':')
    if (values === undefined || name?.trim() === 'lo') continue
    const fields = values.trim().split(/\s+/).map(Number)
    totals.bytes_recv += fields[0] ?? 0
    totals.packets_recv += fields[1] ?? 0
    totals.bytes_sent += fields[8] ?? 0
    totals.packets_sent += fields[9] ?? 0
  }
  return totals
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

export interface SystemRouteOptions {
  readonly samples: Samples
  now(): number
  /** Epoch milliseconds. */
  readonly startedAtMs: number
}

export function systemRoutes({ samples, now, startedAtMs }: SystemRouteOptions) {
  const app = createApi()
  const Info = z.object({
    cpu: z.object({ count: z.int(), count_logical: z.int(), percent: z.number(), freq_current: z.number() }),
    memory: z.object({ total_gb: z.number(), available_gb: z.number(), used_gb: z.number(), percent: z.number() }),
    disk: z.object({ total_gb: z.number(), free_gb: z.number(), used_gb: z.number(), percent: z.number() }),
    network: z.object({
      bytes_sent: z.number(),
      bytes_recv: z.number(),
      packets_sent: z.number(),
      packets_recv: z.number(),
    }),
    process: z.object({
      pid: z.int(),
      memory_usage_mb: z.number(),
      cpu_percent: z.number(),
      create_time: z.number(),
      threads: z.int(),
    }),
    timestamp,
  })
  let before = { cpu: process.cpuUsage(), atMs: now() }
  const ownPercent = () => {
    const atMs = now()
    const { user, system } = process.cpuUsage(before.cpu)
    const percent = atMs > before.atMs ? (user + system) / 10 / (atMs - before.atMs) : 0
    before = { cpu: process.cpuUsage(), atMs }
    return Math.round(percent * 100) / 100
  }
  app.openapi(
    createRoute({
      ...operation({
        id: 'system.info',
        access: 'viewer',
        summary: 'Shows processors, memory, disk, network and this process.',
      }),
      method: 'get',
      path: '/system/info',
      responses: { 200: reply('The machine.', Info) },
    }),
    async (c) => {
      const cores = cpus()
      const physical = new Set([...textOf('/proc/cpuinfo').matchAll(/^core id\s*:\s*(\d+)/gm)].map(([, id]) => id)).size
      const [total, available] = [totalmem(), availableMemory()]
      const sample = await samples.measure()
      const { totalGb, freeGb } = await samples.disk()
      const threads = Number(/^Threads:\s+(\d+)/m.exec(textOf('/proc/self/status'))?.[1] ?? 1)
      return c.json(
        {
          cpu: {
            count: physical || cores.length,
            count_logical: cores.length,
            percent: sample.cpuPercent,
            freq_current: cores[0]?.speed ?? 0,
          },
          memory: {
            total_gb: gb(total),
            available_gb: gb(available),
            used_gb: gb(total - available),
            percent: sample.memoryPercent,
          },
          disk: {
            total_gb: totalGb,
            free_gb: freeGb,
            used_gb: Math.round((totalGb - freeGb) * 100) / 100,
            percent: sample.diskPercent,
          },
          network: networkTotals(textOf('/proc/net/dev')),
          process: {
            pid: process.pid,
            memory_usage_mb: Math.round((memoryUsage.rss() / 1_048_576) * 100) / 100,
            cpu_percent: ownPercent(),
            create_time: startedAtMs / 1_000,
            threads,
          },
          timestamp: iso(now()),
        },
        200,
      )
    },
  )
  app.openapi(
    createRoute({
      ...operation({
        id: 'metrics.system',
        access: 'viewer',
        summary: 'Shows system metrics over time, newest first.',
      }),
      method: 'get',
      path: '/metrics/system',
      request: {
        query: z.object({
          hours: number(1, 720, 24, 'How far back.'),
          limit: number(1, 2_000, 1_500, 'Rows in a page.'),
          cursor,
        }),
      },
      responses: {
        200: reply(
          'The rows.',
          z.object({
            metrics: z.array(SampleSchema),
            time_range_hours: z.int(),
            count: z.int(),
            next: nextCursor,
            timestamp,
          }),
        ),
      },
    }),
    async (c) => {
      const { hours, limit, cursor: before } = c.req.valid('query')
      const page = await samples.page(now() - hours * 3_600_000, limit, before)
      const next = page.length === limit ? String(page.at(-1)!.id) : null
      return c.json(
        { metrics: page.map(shownSample), time_range_hours: hours, count: page.length, next, timestamp: iso(now()) },
        200,
      )
    },
  )
  return app
}
