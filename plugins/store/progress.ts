/** Which statement the writer thread runs, in shared memory: a thread within SQLite cannot be interrupted or asked. */

const nameBytes = 64
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Progress {
  /** How many statements began and ended: odd while one runs. Then the length of the name of its area. */
  readonly #counts: Int32Array
  readonly #name: Uint8Array

  constructor(readonly memory = new SharedArrayBuffer(8 + nameBytes)) {
    this.#counts = new Int32Array(memory, 0, 2)
    this.#name = new Uint8Array(memory, 8)
  }

  /** Runs a statement of an area, in the thread. */
  run<T>(area: string, statement: () => T): T {
    this.#counts[1] = encoder.encodeInto(area, this.#name).written
    Atomics.add(this.#counts, 0, 1)
    try {
      return statement()
    } finally {
      Atomics.add(this.#counts, 0, 1)
    }
  }

  /** The statement that runs now. */
  get running(): { readonly number: number; readonly area: string } | undefined {
    const number = Atomics.load(this.#counts, 0)
    if (number % 2 === 0) return undefined
    return { number, area: decoder.decode(this.#name.slice(0, this.#counts[1])) }
  }
}
