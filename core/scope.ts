/** What was opened and must be undone: last in first out, exactly once, whatever throws on the way. */

export type Undo = () => void | Promise<void>

export class Scope {
  #undos: Undo[] = []

  defer(undo: Undo): void {
    this.#undos.push(undo)
  }

  /** Undoes everything. @returns what the undos threw */
  async dispose(): Promise<unknown[]> {
    const thrown: unknown[] = []
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      try {
        await undo()
      } catch (error) {
        thrown.push(error)
      }
    }
    return thrown
  }
}
