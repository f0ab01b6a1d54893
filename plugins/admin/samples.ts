/** System metrics over time, as the original gateway kept them: one row a minute, in the store. */
import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { cpus, freemem, totalmem } from 'node:os'
import type { StoreArea } from '../store/api.ts'

/** One sample. Percent are 0-100. */
export interface SystemSample {
  readonly id: number
  readonly timeMs: number
  readonly cpuPercent: number
  readonly memoryPercent: number
  readonly memoryAvailableMb: number
  readonly diskPercent: number
  readonly diskFreeGb: number
}

/** With the keys of the original gateway. */
export const shownSample = (sample: SystemSample) => ({
  id: sample.id,
  cpu_percent: sample.cpuPercent,
  memory_percent: sample.memoryPercent,
  memory_available_mb: sample.memoryAvailableMb,
  disk_percent: sample.diskPercent,
  disk_free_gb: sample.diskFreeGb,
  timestamp: new Date(sample.timeMs).toISOString(),
})

interface Row {
  readonly id: number
  readonly time_ms: number
  readonly cpu_percent: number
  readonly memory_percent: number
  readonly memory_available_mb: number
  readonly disk_percent: number
  readonly disk_free_gb: number
}

const columns = 'time_ms, cpu_percent, memory_percent, memory_available_mb, disk_percent, disk_free_gb'
const round = (value: number) => Math.round(value * 100) / 100

/** Busy and total ticks of all processors since the boot. */
export function cpuTicks(): { readonly busy: number; readonly total: number } {
  let idle = 0
  let total = 0
  for (const { times } of cpus()) {
    idle += times.idle
    total += times.user + times.nice + times.sys + times.idle + times.irq
  }
  return { busy: total - idle, total }
}

/** Memory that programs can have without swapping, in bytes. */
export function availableMemory(): number {
  try {
    const match = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))
    if (match !== null) return Number(match[1]) * 1_024
  } catch {
    // Not on this system.
  }
  return freemem()
}

/** Share of what ordinary users may fill, 0-100: as df(1) and the metrics tell it. */
export function diskPercent({ blocks, bfree, bavail }: { blocks: number; bfree: number; bavail: number }): number {
  const used = blocks - bfree
  return used + bavail > 0 ? (used / (used + bavail)) * 100 : 0
}

export interface SamplesOptions {
  readonly area: StoreArea
  /** The directory whose disk is measured. */
  readonly dataDir: string
  now(): number
}

export class Samples {
  #before = cpuTicks()
  #cpuPercent = 0

  constructor(private readonly options: SamplesOptions) {}

  /** Share of the processors in use since the sample before, 0-100. */
  get cpuPercent(): number {
    return this.#cpuPercent
  }

  /** Measures now, without keeping it. */
  async measure(): Promise<Omit<SystemSample, 'id'>> {
    const after = cpuTicks()
    const total = after.total - this.#before.total
    if (total > 0) this.#cpuPercent = round(((after.busy - this.#before.busy) / total) * 100)
    this.#before = after
    const available = availableMemory()
    const disk = await statfs(this.options.dataDir)
    return {
      timeMs: this.options.now(),
      cpuPercent: this.#cpuPercent,
      memoryPercent: round((1 - available / totalmem()) * 100),
      memoryAvailableMb: round(available / 1_048_576),
      diskPercent: round(diskPercent(disk)),
      diskFreeGb: round((disk.bavail * disk.bsize) / 1_073_741_824),
    }
  }

  /** Sizes of the disk that holds the directory `data`. */
  async disk(): Promise<{ readonly totalGb: number; readonly freeGb: number }> {
    const { blocks, bavail, bsize } = await statfs(this.options.dataDir)
    return { totalGb: round((blocks * bsize) / 1_073_741_824), freeGb: round((bavail * bsize) / 1_073_741_824) }
  }

  /** Measures and keeps. @throws STORE_UNAVAILABLE, STORE_QUEUE_FULL */
  async take(): Promise<void> {
    const { timeMs, cpuPercent, memoryPercent, memoryAvailableMb, diskPercent, diskFreeGb } = await this.measure()
    const params = [timeMs, cpuPercent, memoryPercent, memoryAvailableMb, diskPercent, diskFreeGb]
    const sql = `INSERT INTO admin_system_metrics (${columns}) VALUES (?, ?, ?, ?, ?, ?)`
    await this.options.area.write([{ sql, params }], { lazy: true })
  }

  /** The newest 24, and how many there are, as the original gateway's `GET /metrics` answered. */
  async latest(): Promise<unknown> {
    const metrics = await this.page(0, 24)
    const [{ total = 0 } = {}] = await this.options.area.query<{ total: number }>(
      'SELECT COUNT(*) AS total FROM admin_system_metrics',
      [],
      1,
    )
    return {
      metrics: metrics.map(shownSample),
      total_count: total,
      timestamp: new Date(this.options.now()).toISOString(),
    }
  }

  /** Newest first. @param sinceMs from then on @param beforeId only those before it */
  async page(sinceMs: number, limit: number, beforeId = Number.MAX_SAFE_INTEGER): Promise<readonly SystemSample[]> {
    const rows = await this.options.area.query<Row>(
      `SELECT id, ${columns} FROM admin_system_metrics WHERE id < ? AND time_ms >= ? ORDER BY id DESC`,
      [beforeId, sinceMs],
      limit,
    )
    return rows.map((row) => ({
      id: row.id,
      timeMs: row.time_ms,
      cpuPercent: row.cpu_percent,
      memoryPercent: row.memory_percent,
      memoryAvailableMb: row.memory_available_mb,
      diskPercent: row.disk_percent,
      diskFreeGb: row.disk_free_gb,
    }))
  }
}
