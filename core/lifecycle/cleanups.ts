/** The undos of one instance: last in first out, exactly once, also after an undo that threw or never ends. */
import { guarded } from '../contract/foreign/calls.ts'
import type { Logger } from '../contract/logger.ts'
import { yieldToLoop } from '../process/clock.ts'
import type { PluginFaults } from './state/plugin-faults.ts'

/** How many undos may be registered while the undos run: an undo that registers itself would never end. */
const mostLate = 1_000

/** The line about a plugin that opens something through its context after its end. */
export const continues = 'continues after its end: what it opens is undone immediately'

export type Undo = () => void | Promise<void>

export class Cleanups {
  readonly #undos = new Set<Undo>()
  #isEnded = false
  #isNoted = false
  /** In this turn of the event loop. */
  #late = 0

  constructor(
    private readonly plugin: string,
    private readonly faults: Pick<PluginFaults, 'count'>,
    private readonly log: Pick<Logger, 'debug'>,
  ) {}

  readonly #failed = (error: unknown) => this.faults.count(`undo of plugin ${this.plugin} threw`, error)

  /** Something is opened after the end. Writes one line. */
  late(): void {
    if (!this.#isNoted) this.log.debug(`plugin ${this.plugin} ${continues}`)
    this.#isNoted = true
  }

  /** After the end, undoes immediately. @returns removes the undo, for a resource that ended earlier */
  defer(undo: Undo): () => void {
    const entry = () => undo()
    if (this.#isEnded) this.#undoLate(entry)
    else this.#undos.add(entry)
    return () => this.#undos.delete(entry)
  }

  #undoLate(undo: Undo): void {
    if (this.#late === 0) void yieldToLoop().then(() => (this.#late = 0))
    this.#late += 1
    if (this.#late > mostLate) return
    this.late()
    guarded(undo, this.#failed)
  }

  /** Runs every undo, and those that are registered meanwhile, up to a limit. */
  async dispose(): Promise<void> {
    let left = this.#undos.size + mostLate
    for (let undo = [...this.#undos].at(-1); undo !== undefined; undo = [...this.#undos].at(-1)) {
      this.#undos.delete(undo)
      if (left-- === 0) return this.#failed(new Error(`undos register further undos: stopped after ${mostLate}`))
      try {
        await undo()
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  /** The end: runs immediately the undos that `dispose` did not come to, and each one that is registered later. */
  end(): void {
    this.#isEnded = true
    for (const undo of [...this.#undos].toReversed()) {
      this.#undos.delete(undo)
      guarded(undo, this.#failed)
    }
  }
}
