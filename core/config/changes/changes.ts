/** Changes of the configuration at run time: planned, applied, and rolled back unless confirmed. */
import type { Clock } from '../../contract/clock.ts'
import { coreError, messageOf } from '../../contract/errors.ts'
import type { Logger } from '../../contract/logger.ts'
import { isUp, type PluginState } from '../../contract/plugin-state.ts'
import type {
  AppliedChange,
  ApplyOptions,
  ConfigChanges,
  PlannedChange,
  PlanStep,
  RollbackSignal,
  RuntimeStatus,
} from '../../contract/runtime-api.ts'
import { mergePatch, type Plain } from '../tree/json-merge-patch.ts'
import { overlayText, readOverlay, writeOverlay } from './overlay-file.ts'
import { type Pending, removePending, writePending } from './pending-file.ts'

const probeMs = 250
const keptChanges = 20

export interface ChangesOptions {
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Logger
  /** Plans a reload with the overlay of this text. @throws the configuration's problems */
  plan(text: string): Promise<readonly PlanStep[]>
  reload(): Promise<readonly PlanStep[]>
  status(): Pick<RuntimeStatus, 'plugins'>
  /** The rollback signals of the present. */
  signals(): readonly RollbackSignal[]
  /** Runs a rollback that nobody asked for, on record. */
  recorded(args: { readonly id: string; readonly reason: string }, run: () => Promise<void>): Promise<void>
}

interface Waiting extends Pending {
  readonly change: AppliedChange
  stop(): void
}

export class Changes implements ConfigChanges {
  #waiting: Waiting | undefined
  #history: AppliedChange[] = []
  #number = 0
  #busy = false
  readonly #stopped = new AbortController()

  constructor(private readonly options: ChangesOptions) {}

  get overlay() {
    const { value, etag } = readOverlay(this.options.dataDir)
    return { value, etag }
  }

  get history(): readonly AppliedChange[] {
    return this.#history
  }

  get pending(): AppliedChange | undefined {
    return this.#waiting?.change
  }

  /** @throws CHANGE_STALE, CONFIG_PATCH */
  #next(patch: unknown, etag?: string) {
    const overlay = readOverlay(this.options.dataDir)
    if (etag !== undefined && etag !== overlay.etag)
      throw coreError('CHANGE_STALE', { seen: etag, current: overlay.etag })
    return { before: overlay.text, text: overlayText(mergePatch(overlay.value, patch as Plain)), etag: overlay.etag }
  }

  async plan(patch: unknown): Promise<PlannedChange> {
    const { text, etag } = this.#next(patch)
    return { etag, steps: await this.options.plan(text) }
  }

  async apply(patch: unknown, options: ApplyOptions): Promise<AppliedChange> {
    if (this.#waiting !== undefined) throw coreError('CHANGE_PENDING', { id: this.#waiting.id })
    if (this.#busy) throw coreError('RELOAD_BUSY')
    this.#busy = true
    try {
      return await this.#apply(patch, options)
    } finally {
      this.#busy = false
    }
  }

  async #apply(patch: unknown, { by, etag, confirmWithinMs }: ApplyOptions): Promise<AppliedChange> {
    const { dataDir, clock, log } = this.options
    const { before: textBefore, text } = this.#next(patch, etag)
    // A change that is refused here has written nothing.
    const planned = await this.options.plan(text)
    const before = this.#states()
    const blocked = planned.find(({ action, reason }) => action === 'remove' && reason === 'blocked')
    // The probe would roll the change back immediately.
    if (confirmWithinMs !== undefined && blocked !== undefined)
      throw coreError('CHANGE_BLOCKS', { plugin: blocked.plugin, why: blocked.off! })
    const known = new Set(this.options.signals().map(({ what }) => what))
    this.#number += 1
    const id = `${clock.now().toString(36)}-${this.#number}`
    if (confirmWithinMs !== undefined) writePending(dataDir, { id, text: textBefore })
    // Of a rollback that could not be written: the next start would undo this change.
    else removePending(dataDir)
    writeOverlay(dataDir, text)
    let steps: readonly PlanStep[]
    try {
      steps = await this.options.reload()
    } catch (error) {
      writeOverlay(dataDir, textBefore)
      removePending(dataDir)
      throw error
    }
    const atMs = clock.now()
    const change = this.#remember({
      ...{ id, by, atMs, steps, reason: '' },
      state: confirmWithinMs === undefined ? 'applied' : 'awaiting-confirmation',
      deadlineMs: confirmWithinMs === undefined ? undefined : atMs + confirmWithinMs,
    })
    log.info('configuration changed', { change: id, by, state: change.state })
    if (confirmWithinMs === undefined || this.#stopped.signal.aborted) return change
    const rollBack = (reason: string) => this.#rollBack(reason, this.#take(id), true)
    const cancelDeadline = clock.after(confirmWithinMs, () => void rollBack('no confirmation came in time'))
    const touched = new Set(steps.flatMap(({ plugin, action }) => (action === 'untouched' ? [] : [plugin])))
    const probe = async () => {
      const now = this.#states()
      // A plugin that the change removed or disabled is not meant to run.
      const isDown = (state: PluginState = 'disabled') => !isUp(state) && state !== 'disabled'
      const fallen = [...before.keys()].find((name) => isUp(before.get(name)!) && isDown(now.get(name)))
      if (fallen !== undefined) return void (await rollBack(`the plugin ${fallen} is no longer up`))
      const signal = this.options
        .signals()
        .find(({ what, critical, plugin }) => !known.has(what) && (critical || touched.has(plugin)))
      if (signal !== undefined) await rollBack(signal.what)
    }
    const cancelProbe = clock.every(probeMs, probe, {
      onError: (error) => log.error('watching a pending change failed', { change: id, error }),
    })
    const stop = () => {
      cancelDeadline()
      cancelProbe()
    }
    this.#waiting = { id, text: textBefore, change, stop }
    return change
  }

  #states(): ReadonlyMap<string, PluginState> {
    return new Map(this.options.status().plugins.map(({ name, state }) => [name, state]))
  }

  #remember(change: AppliedChange): AppliedChange {
    this.#history = [change, ...this.#history.filter(({ id }) => id !== change.id)].slice(0, keptChanges)
    return change
  }

  /** Ends the wait for a confirmation. @throws CHANGE_UNKNOWN */
  #take(id?: string): Waiting {
    const waiting = this.#waiting
    if (waiting === undefined || (id !== undefined && waiting.id !== id)) {
      const last = id === undefined ? this.#history[0] : this.#history.find((change) => change.id === id)
      const was = last?.state === 'rolled-back' ? `: ${last.id} was rolled back (${last.reason})` : ''
      throw coreError('CHANGE_UNKNOWN', { which: id === undefined ? '' : ` ${id}`, was })
    }
    waiting.stop()
    this.#waiting = undefined
    return waiting
  }

  confirm(id?: string): AppliedChange {
    const { change } = this.#take(id)
    removePending(this.options.dataDir)
    return this.#remember({ ...change, state: 'confirmed', deadlineMs: undefined })
  }

  async rollback(id?: string): Promise<AppliedChange> {
    return this.#rollBack('asked for', this.#take(id))
  }

  /** Records what {@link recoverPending} rolled back. */
  async recordRecovery(id: string): Promise<void> {
    this.options.log.warn('a change of the configuration that was never confirmed was rolled back', { change: id })
    await this.options.recorded({ id, reason: 'no confirmation came before the process ended' }, async () => {})
  }

  /** Stops watching the pending change, which the next start rolls back. Safe twice. */
  stop(): void {
    this.#waiting?.stop()
    this.#stopped.abort()
  }

  /** @param isOwn whether nobody asked for the rollback. Never rejects. */
  async #rollBack(reason: string, { id, text, change }: Waiting, isOwn = false): Promise<AppliedChange> {
    const { dataDir, log, recorded } = this.options
    log.warn('configuration rolled back', { change: id, reason })
    const restore = async () => {
      writeOverlay(dataDir, text)
      // Also where the reload fails: the next start must not undo a later change.
      removePending(dataDir)
      await this.#reloadSoon()
    }
    const failure = await (isOwn ? recorded({ id, reason }, restore) : restore()).then(
      () => '',
      (error) => {
        log.error('the previous configuration could not be loaded again', { change: id, error })
        return `; the previous configuration could not be loaded again: ${messageOf(error)}`
      },
    )
    return this.#remember({ ...change, state: 'rolled-back', deadlineMs: undefined, reason: `${reason}${failure}` })
  }

  /** Waits while another reload is in progress. */
  async #reloadSoon(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        await this.options.reload()
        return
      } catch (error) {
        const { signal } = this.#stopped
        if ((error as { code?: string }).code !== 'RELOAD_BUSY' || tries >= 40 || signal.aborted) throw error
        await this.options.clock.sleep(probeMs, signal)
      }
    }
  }
}
