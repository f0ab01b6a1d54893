/** What was opened and must be undone: last in first out, exactly once, whatever throws on the way. */

export type Undo = () => void | Promise<void>

export class UndoScope {
  readonly #undos = new Set<Undo>()

  /** @returns forgets the undo, for what ended earlier by itself */
  defer(undo: Undo): () => void {
    const entry = () => undo()
    this.#undos.add(entry)
    return () => this.#undos.delete(entry)
  }

  /** How many undos are waiting. */
  get size(): number {
    return this.#undos.size
  }

  /** Undoes everything. @returns what the undos threw */
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
