/** System metrics over time, as the original gateway kept them: one row a minute, in the store. */
import type { Host, HostSample } from '../host/api.ts'
import type { StoreArea } from '../store/api.ts'
import { iso } from './http/reply.ts'

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
export const shownSample = (sample: Omit<SystemSample, 'id'>) => ({
  cpu_percent: sample.cpuPercent,
  memory_percent: sample.memoryPercent,
  memory_available_mb: sample.memoryAvailableMb,
  disk_percent: sample.diskPercent,
  disk_free_gb: sample.diskFreeGb,
  timestamp: iso(sample.timeMs),
})

const columns = `time_ms AS timeMs, cpu_percent AS cpuPercent, memory_percent AS memoryPercent,
  memory_available_mb AS memoryAvailableMb, disk_percent AS diskPercent, disk_free_gb AS diskFreeGb`
const insert = `INSERT INTO admin_system_metrics
  (time_ms, cpu_percent, memory_percent, memory_available_mb, disk_percent, disk_free_gb) VALUES (?, ?, ?, ?, ?, ?)`
export const round = (value: number): number => Math.round(value * 100) / 100

export interface SamplesOptions {
  readonly area: Pick<StoreArea, 'query' | 'write'>
  readonly host: Host | undefined
  /** The directory whose disk is measured. */
  readonly dataDir: string
  now(): number
}

export class Samples {
  constructor(private readonly options: SamplesOptions) {}

  /** Asks the plugin host, with the disk of the data directory. @returns undefined without that plugin */
  async read(): Promise<(HostSample & { readonly disk: NonNullable<HostSample['disk']> }) | undefined> {
    const { host, dataDir } = this.options
    const sample = await host?.sample(dataDir)
    if (sample === undefined) return undefined
    const { disk } = sample
    if (disk === undefined) throw new Error('the file system of the data directory does not answer')
    return { ...sample, disk }
  }

  /** Measures now, without keeping it. @returns undefined without the plugin host */
  async measure(): Promise<Omit<SystemSample, 'id'> | undefined> {
    const sample = await this.read()
    if (sample === undefined) return undefined
    const { cpu, memory, disk } = sample
    return {
      timeMs: this.options.now(),
      cpuPercent: round(cpu.percent),
      memoryPercent: round(memory.percent),
      memoryAvailableMb: round(memory.availableBytes / 1_048_576),
      diskPercent: round(disk.percent),
      diskFreeGb: round(disk.freeBytes / 1_073_741_824),
    }
  }

  /** Measures and keeps, unless the plugin host is off. @throws STORE_UNAVAILABLE, STORE_QUEUE_FULL */
  async take(): Promise<void> {
    const sample = await this.measure()
    if (sample === undefined) return
    const { timeMs, cpuPercent, memoryPercent, memoryAvailableMb, diskPercent, diskFreeGb } = sample
    const params = [timeMs, cpuPercent, memoryPercent, memoryAvailableMb, diskPercent, diskFreeGb]
    await this.options.area.write([{ sql: insert, params }], { lazy: true })
  }

  /** The newest 24, and how many there are, as the original gateway's `GET /metrics` answered. */
  async latest(): Promise<unknown> {
    const metrics = await this.page(0, 24)
    const sql = 'SELECT COUNT(*) AS total FROM admin_system_metrics'
    const [{ total = 0 } = {}] = await this.options.area.query<{ total: number }>(sql, [], 1)
    return {
      metrics: metrics.map((each) => ({ id: each.id, ...shownSample(each) })),
      total_count: total,
      timestamp: iso(this.options.now()),
    }
  }

  /** Newest first. @param sinceMs from then on @param beforeId only those before it */
  async page(sinceMs: number, limit: number, beforeId = Number.MAX_SAFE_INTEGER): Promise<readonly SystemSample[]> {
    const sql = `SELECT id, ${columns} FROM admin_system_metrics WHERE id < ? AND time_ms >= ? ORDER BY id DESC`
    return this.options.area.query<SystemSample>(sql, [beforeId, sinceMs], limit)
  }
}
