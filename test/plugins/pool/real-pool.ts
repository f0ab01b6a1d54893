/** A pool over a real server, with its log lines kept. */

import type { Logger } from '../../../core/contract/logger.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { bunDriver } from '../../../plugins/pool/drivers/bun.ts'
import { postgresDriver } from '../../../plugins/pool/drivers/postgres.ts'
import type { PoolSettings } from '../../../plugins/pool/lending/pool-options.ts'
import { SqlPool } from '../../../plugins/pool/sql-pool.ts'
import { defaults } from './support.ts'

const drivers = { postgres: postgresDriver, bun: bunDriver }
export type DriverName = keyof typeof drivers
export const driverNames: readonly DriverName[] = ['postgres', 'bun']

interface RealOptions {
  readonly driver: DriverName
  readonly applicationName?: string
  readonly settings?: Partial<PoolSettings>
}

export async function realPool(url: string, options: RealOptions) {
  const { driver: driverName, applicationName = 'arkwatch-test' } = options
  const settings = { ...defaults, ...options.settings }
  const lines: { message: string; fields: Record<string, unknown> }[] = []
  const write = (message: string, fields: Record<string, unknown> = {}) => void lines.push({ message, fields })
  const log = { warn: write, info: write } as unknown as Logger
  const driver = await drivers[driverName]({ ...settings, url, applicationName })
  const pool = new SqlPool({
    name: 'default',
    driver,
    driverName,
    settings,
    clock: systemClock,
    log,
  })
  // As the plugin does, more often.
  const stopHousekeeping = systemClock.every(100, () => pool.housekeep())
  const end = async () => {
    stopHousekeeping()
    await pool.drain(1_000)
  }
  return { pool, lines, end }
}

export const codeOf = (thrown: unknown): string | undefined => (thrown as { code?: string } | undefined)?.code
/** `ok`, or the code of the error. */
export const outcome = (request: PromiseLike<unknown>) => Promise.resolve(request).then(() => 'ok', codeOf)

/** Asks again until it is true, for 10 s of real time: the server is another process. @returns whether it was */
export async function eventually(ask: () => boolean | Promise<boolean>, everyMs = 20): Promise<boolean> {
  const untilMs = systemClock.monotonic() + 10_000
  while (systemClock.monotonic() < untilMs) {
    if (await ask()) return true
    await systemClock.sleep(everyMs)
  }
  return false
}
