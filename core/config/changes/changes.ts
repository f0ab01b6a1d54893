/** Changes of the configuration at run time: planned, applied, and rolled back unless confirmed. */
import { coreError, messageOf } from '../../contract/errors.ts'
import type { AppliedChange, ApplyOptions, ConfigChanges, PlannedChange, PlanStep } from '../../contract/runtime-api.ts'
import { mergePatch, type Plain, withoutEmptied } from '../tree/json-merge-patch.ts'
import type { ChangesOptions } from './options.ts'
import { overlayText, putBack, readOverlay, writeOverlay } from './overlay-file.ts'
import { type Recovered, removePending, writePending } from './pending-file.ts'
import { createProbe } from './probe.ts'
import { type Previous, restorePrevious } from './restore-previous.ts'

const probeMs = 250
const keptChanges = 20
/** A rollback that failed is tried again after this; the time doubles up to the longest. */
const firstRetryMs = 1_000
const longestRetryMs = 300_000

interface Waiting extends Previous {
  readonly id: string
  change: AppliedChange
  /** Cancels the timers. */
  stop(): void
  rollingBack?: Promise<AppliedChange> | undefined
  retryMs: number
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
    const merged = mergePatch(overlay.value, patch as Plain)
    const text = overlayText(withoutEmptied(merged, patch as { readonly [key: string]: Plain }))
    return { before: overlay.text, text, etag: overlay.etag }
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
    const blocked = planned.find(({ action, reason }) => action === 'remove' && reason === 'blocked')
    // The probe would roll the change back immediately.
    if (confirmWithinMs !== undefined && blocked !== undefined)
      throw coreError('CHANGE_BLOCKS', { plugin: blocked.plugin, why: blocked.off! })
    const probe = createProbe(this.options)
    this.#number += 1
    const id = `${clock.now().toString(36)}-${this.#number}`
    const earlier = this.options.current()
    const previous = { text: textBefore, written: text, restore: (why: unknown) => this.options.restore(earlier, why) }
    let isWritten = false
    const write = () => {
      isWritten = true
      // First: a process that dies before the change is in force leaves the record to the next start.
      writePending(dataDir, { id, ...previous })
      writeOverlay(dataDir, text)
    }
    let steps: readonly PlanStep[]
    try {
      steps = await this.options.reload(write)
    } catch (error) {
      const change = { id, by, atMs: clock.now(), steps: planned, reason: '', deadlineMs: undefined }
      if (isWritten) this.#takeBack({ ...previous, id, change: { ...change, state: 'awaiting-confirmation' } })
      throw error
    }
    if (confirmWithinMs === undefined) this.#keep(id)
    const atMs = clock.now()
    const change = this.#remember({
      ...{ id, by, atMs, steps, reason: '' },
      state: confirmWithinMs === undefined ? 'applied' : 'awaiting-confirmation',
      deadlineMs: confirmWithinMs === undefined ? undefined : atMs + confirmWithinMs,
    })
    log.info('configuration changed', { change: id, by, state: change.state })
    if (confirmWithinMs === undefined || this.#stopped.signal.aborted) return change
    const waiting: Waiting = { ...previous, id, change, retryMs: firstRetryMs, stop() {} }
    const rollBack = (reason: string) => void this.#rollBack(reason, waiting, true).catch(() => {})
    const cancelDeadline = clock.after(confirmWithinMs, () => rollBack('no confirmation came in time'))
    const cancelProbe = clock.every(
      probeMs,
      () => {
        const reason = probe(steps)
        if (reason !== undefined) rollBack(reason)
      },
      { onError: (error) => log.error('watching a pending change failed', { change: id, error }) },
    )
    waiting.stop = () => {
      cancelDeadline()
      cancelProbe()
    }
    this.#waiting = waiting
    return change
  }

  /** Undoes what a refused change has written; tried again as a rollback where the disk does not take it. */
  #takeBack({ id, text, written, ...rest }: Omit<Waiting, 'retryMs' | 'stop'>): void {
    const { dataDir } = this.options
    try {
      this.#noteEdits(id, putBack(dataDir, text, written))
      removePending(dataDir)
    } catch (error) {
      this.#waiting = { ...rest, id, text, written, retryMs: firstRetryMs, stop() {} }
      this.#retry('the change could not start', this.#waiting, error)
    }
  }

  /** The change is in force already: where its record stays, the log tells what will become of the change. */
  #keep(change: string): void {
    try {
      removePending(this.options.dataDir)
    } catch (error) {
      const message = 'the next start will roll a change back, unless overlay.pending.json is removed before'
      this.options.log.error(message, { change, error })
    }
  }

  #noteEdits(change: string, edits: string | undefined): void {
    if (edits === undefined) return
    this.options.log.warn('overlay.yaml was edited while a change waited; the edits are kept', { change, file: edits })
  }

  #remember(change: AppliedChange): AppliedChange {
    this.#history = [change, ...this.#history.filter(({ id }) => id !== change.id)].slice(0, keptChanges)
    return change
  }

  /** @throws CHANGE_UNKNOWN */
  #find(id?: string): Waiting {
    const waiting = this.#waiting
    if (waiting !== undefined && (id === undefined || waiting.id === id)) return waiting
    const last = id === undefined ? this.#history[0] : this.#history.find((change) => change.id === id)
    const was = last?.state === 'rolled-back' ? `: ${last.id} was rolled back (${last.reason})` : ''
    throw coreError('CHANGE_UNKNOWN', { which: id === undefined ? '' : ` ${id}`, was })
  }

  /** @throws CHANGE_UNKNOWN, CHANGE_NOT_ROLLED_BACK, DATA_FILE_DAMAGED, DATA_UNUSABLE */
  confirm(asked?: string): AppliedChange {
    const { dataDir } = this.options
    const { id, change, written, stop } = this.#find(asked)
    // A rollback has begun.
    if (change.reason !== '') throw coreError('CHANGE_NOT_ROLLED_BACK', { id, reason: change.reason })
    // An overlay that was removed meanwhile would not have what is confirmed.
    if (readOverlay(dataDir).text === '') writeOverlay(dataDir, written)
    removePending(dataDir)
    stop()
    this.#waiting = undefined
    return this.#remember({ ...change, state: 'confirmed', deadlineMs: undefined })
  }

  async rollback(id?: string): Promise<AppliedChange> {
    return this.#rollBack('asked for', this.#find(id))
  }

  /** Records what {@link recoverPending} rolled back. */
  async recordRecovery({ id, edits }: Recovered): Promise<void> {
    const reason = 'the process ended before the change was complete and confirmed'
    this.options.log.warn('configuration rolled back', { change: id, reason })
    this.#noteEdits(id, edits)
    await this.options.recorded({ id, reason }, async () => {})
  }

  /** Stops watching the pending change, which the next start rolls back. Safe twice. */
  stop(): void {
    this.#waiting?.stop()
    this.#stopped.abort()
  }

  /** @param isOwn whether nobody asked for the rollback @throws CHANGE_NOT_ROLLED_BACK; is then tried again */
  #rollBack(reason: string, waiting: Waiting, isOwn = false): Promise<AppliedChange> {
    waiting.rollingBack ??= this.#tryRollback(reason, waiting, isOwn).finally(() => {
      waiting.rollingBack = undefined
    })
    return waiting.rollingBack
  }

  #retry(reason: string, waiting: Waiting, error: unknown): void {
    const { clock, log } = this.options
    const { id, change, retryMs } = waiting
    log.error('the configuration could not be rolled back', { change: id, error })
    waiting.change = this.#remember({ ...change, reason: `${reason}; not rolled back yet: ${messageOf(error)}` })
    if (!this.#stopped.signal.aborted)
      waiting.stop = clock.after(retryMs, () => void this.#rollBack(reason, waiting, true).catch(() => {}))
    waiting.retryMs = Math.min(retryMs * 2, longestRetryMs)
  }

  async #tryRollback(reason: string, waiting: Waiting, isOwn: boolean): Promise<AppliedChange> {
    const { log, recorded } = this.options
    const { id } = waiting
    waiting.stop()
    const began = { ...waiting.change, deadlineMs: undefined, reason }
    waiting.change = this.#remember(began)
    try {
      const edited = (file: string) => this.#noteEdits(id, file)
      const restore = () => restorePrevious(waiting, { ...this.options, edited }, this.#stopped.signal)
      await (isOwn ? recorded({ id, reason }, restore) : restore())
    } catch (error) {
      this.#retry(reason, waiting, error)
      throw coreError('CHANGE_NOT_ROLLED_BACK', { id, reason: messageOf(error) }, error)
    }
    log.warn('configuration rolled back', { change: id, reason })
    this.#waiting = undefined
    return this.#remember({ ...began, state: 'rolled-back' })
  }
}
