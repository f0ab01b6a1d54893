/** What changes of the configuration need of the runtime. */
import type { Clock } from '../../contract/clock.ts'
import type { Logger } from '../../contract/logger.ts'
import type { PlanStep, RollbackSignal, RuntimeStatus } from '../../contract/runtime-api.ts'
import type { RuntimeConfig } from '../types.ts'

export interface ChangesOptions {
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Logger
  /** Plans a reload with the overlay of this text. @throws the configuration's problems */
  plan(text: string): Promise<readonly PlanStep[]>
  /** @param write called first, unless another reload is in progress */
  reload(write?: () => void): Promise<readonly PlanStep[]>
  current(): RuntimeConfig
  /** Puts an earlier configuration in force again, from memory. @param why the files cannot be loaded */
  restore(earlier: RuntimeConfig, why: unknown): Promise<void>
  status(): Pick<RuntimeStatus, 'plugins'>
  /** The rollback signals of the present. */
  signals(): readonly RollbackSignal[]
  /** Runs a rollback that nobody asked for, on record. */
  recorded(args: { readonly id: string; readonly reason: string }, run: () => Promise<void>): Promise<void>
}
