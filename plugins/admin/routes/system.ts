/** The machine: as it is, and over time. The keys are those of the original gateway. */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { memoryUsage } from 'node:process'
import { z } from '@hono/zod-openapi'
import { cursor, iso, nextCursor, number, reply, time, timestamp } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'
import { round, type Samples, shownSample } from '../samples.ts'

const SampleSchema = z
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

const gb = (bytes: number) => round(bytes / 1_073_741_824)

/** Threads of this process, 1 where the kernel does not say. */
function threads(): number {
  try {
    return Number(/^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 1)
  } catch {
    return 1
  }
}

export function systemRoutes(samples: Samples, now: () => number, startedAtMs: number) {
  const { app, route } = createRoutes()
  const size = z.number()
  const Info = z.object({
    cpu: z.object({ count: z.int(), count_logical: z.int(), percent: z.number(), freq_current: z.number() }),
    memory: z.object({ total_gb: z.number(), available_gb: z.number(), used_gb: z.number(), percent: z.number() }),
    disk: z.object({ total_gb: z.number(), free_gb: z.number(), used_gb: z.number(), percent: z.number() }),
    network: z.object({ bytes_sent: size, bytes_recv: size, packets_sent: size, packets_recv: size }),
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
    return round(percent)
  }
  route(
    'get /system/info',
    'Shows processors, memory, disk, network and this process.',
    { id: 'system.info', access: 'viewer', plugin: 'host' },
    { 200: reply('The machine.', Info) },
    async () => {
      const sample = await samples.read()
      // Without the plugin host the operation is not reached.
      if (sample === undefined) throw new Error('the plugin host is off')
      const { cpu, memory, disk, network } = sample
      const cores = cpus()
      return {
        cpu: {
          count: cpu.physicalCores || cores.length,
          count_logical: cores.length,
          percent: round(cpu.percent),
          freq_current: round(cpu.mhz),
        },
        memory: {
          total_gb: gb(memory.totalBytes),
          available_gb: gb(memory.availableBytes),
          used_gb: gb(memory.totalBytes - memory.availableBytes),
          percent: round(memory.percent),
        },
        disk: {
          total_gb: gb(disk.totalBytes),
          free_gb: gb(disk.freeBytes),
          used_gb: gb(disk.usedBytes),
          percent: round(disk.percent),
        },
        network: {
          bytes_sent: network.sentBytes,
          bytes_recv: network.receivedBytes,
          packets_sent: network.sentPackets,
          packets_recv: network.receivedPackets,
        },
        process: {
          pid: process.pid,
          memory_usage_mb: round(memoryUsage.rss() / 1_048_576),
          cpu_percent: ownPercent(),
          create_time: startedAtMs / 1_000,
          threads: threads(),
        },
        timestamp: iso(now()),
      }
    },
  )
  const limits = { hours: number(1, 720, 24, 'How far back.'), limit: number(1, 2_000, 1_500, 'Rows in a page.') }
  const counts = { time_range_hours: z.int(), count: z.int() }
  const Page = z.object({ metrics: z.array(SampleSchema), ...counts, next: nextCursor, timestamp })
  route(
    'get /metrics/system',
    'Shows system metrics over time, newest first.',
    { id: 'metrics.system', access: 'viewer' },
    { query: z.object({ ...limits, cursor }), 200: reply('The rows.', Page) },
    async (c) => {
      const { hours, limit, cursor: before } = c.req.valid('query')
      const page = await samples.page(now() - hours * 3_600_000, limit, before)
      const next = page.length === limit ? String(page.at(-1)!.id) : null
      const metrics = page.map((each) => ({ id: each.id, ...shownSample(each) }))
      return { metrics, time_range_hours: hours, count: page.length, next, timestamp: iso(now()) }
    },
  )
  return app
}
