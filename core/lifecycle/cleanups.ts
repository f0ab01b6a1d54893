/** The undos of one instance: last in first out, exactly once, also after an undo that threw. */

/** How many undos may be registered while the undos run: an undo that registers itself would never end. */
const mostLate = 1_000

export type Undo = () => void | Promise<void>

export class Cleanups {
  readonly #undos = new Set<Undo>()

  /** @returns removes the undo, for a resource that ended earlier */
  defer(undo: Undo): () => void {
    const entry = () => undo()
    this.#undos.add(entry)
    return () => this.#undos.delete(entry)
  }

  /** Runs every undo, and those that are registered meanwhile, up to a limit. @returns the errors of the undos */
  async dispose(): Promise<unknown[]> {
    const thrown: unknown[] = []
    let left = this.#undos.size + mostLate
    for (let undo = [...this.#undos].at(-1); undo !== undefined; undo = [...this.#undos].at(-1)) {
      this.#undos.delete(undo)
      if (left-- === 0) return [...thrown, new Error(`undos register further undos: stopped after ${mostLate}`)]
      try {
        await undo()
      } catch (error) {
        thrown.push(error)
      }
    }
    return thrown
  }
}
