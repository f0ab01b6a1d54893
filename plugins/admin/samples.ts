/** System metrics over time, as the original gateway kept them: one row a minute, in the store. */
import type { Host, HostSample } from '../host/api.ts'
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
export const round = (value: number): number => Math.round(value * 100) / 100

export interface SamplesOptions {
  readonly area: StoreArea
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
    return (
      sample && {
        timeMs: this.options.now(),
        cpuPercent: round(sample.cpu.percent),
        memoryPercent: round(sample.memory.percent),
        memoryAvailableMb: round(sample.memory.availableBytes / 1_048_576),
        diskPercent: round(sample.disk.percent),
        diskFreeGb: round(sample.disk.freeBytes / 1_073_741_824),
      }
    )
  }

  /** Measures and keeps, unless the plugin host is off. @throws STORE_UNAVAILABLE, STORE_QUEUE_FULL */
  async take(): Promise<void> {
    const sample = await this.measure()
    if (sample === undefined) return
    const { timeMs, cpuPercent, memoryPercent, memoryAvailableMb, diskPercent, diskFreeGb } = sample
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
