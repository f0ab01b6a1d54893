/** An audit log over a real store, in a folder of its own. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PluginClock } from '../../../core/contract/definition.ts'
import type { Logger } from '../../../core/contract/logger.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import type { AuditEvent } from '../../../plugins/audit/api.ts'
import { AuditInstance } from '../../../plugins/audit/engine.ts'
import { StoreClient } from '../../../plugins/store/engine.ts'

export const errors: string[] = []
export const silent = {
  error: (message: string) => errors.push(message),
  warn() {},
  info() {},
  debug() {},
} as unknown as Logger
export const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, silent)
export const newFolder = () => mkdtempSync(join(tmpdir(), 'arkwatch-audit-'))
export const dayMs = 86_400_000

export const event = (action: string, target?: string): AuditEvent => ({
  principal: { name: 'alice', role: 'admin' },
  action,
  from: '127.0.0.1',
  requestId: 'r-1',
  ...(target !== undefined && { target }),
})

/** @param path of the store's file */
export async function openAudit(folder = newFolder(), { maxBytes = 2 ** 30 } = {}) {
  const path = join(folder, 'store.db')
  const store = new StoreClient({
    clock: systemClock,
    path,
    maxBytes,
    maxQueue: 10_000,
    maintainEveryMs: 60_000,
    workers,
    log: silent,
    onState() {},
  })
  await store.start()
  const told: (string | undefined)[] = []
  const clock = { ...systemClock, every: () => () => {} } as unknown as PluginClock
  const instance = new AuditInstance({
    store,
    dataDir: folder,
    clock,
    log: silent,
    sink: undefined,
    successor: () => undefined,
    onProblem: (part, problem) => void (part === 'records' && told.push(problem)),
  })
  await instance.start(join(folder, 'audit.key'), dayMs)
  const close = async () => {
    await instance.stop()
    await store.stop()
  }
  return { folder, path, store, instance, log: instance.log, told, close }
}
