/** The undos of one instance: last in first out, exactly once, also after an undo that threw. */
export type Undo = () => void | Promise<void>

export class Cleanups {
  readonly #undos = new Set<Undo>()

  /** @returns removes the undo, for a resource that ended earlier */
  defer(undo: Undo): () => void {
    const entry = () => undo()
    this.#undos.add(entry)
    return () => this.#undos.delete(entry)
  }

  /** Runs every undo. @returns the errors of the undos */
  async dispose(): Promise<unknown[]> {
    const thrown: unknown[] = []
    for (let undo = [...this.#undos].at(-1); undo !== undefined; undo = [...this.#undos].at(-1)) {
      this.#undos.delete(undo)
      try {
        await undo()
      } catch (error) {
        thrown.push(error)
      }
    }
    return thrown
  }
}
