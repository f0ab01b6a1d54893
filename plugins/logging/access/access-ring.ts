/**
 * The memory through which the request thread hands records to the worker: one writer, one reader, no lock.
 * Four numbers a record and one store of the head. A record that does not fit is counted; the writer never waits.
 */

/** Slots of the header. */
const head = 0
const tail = 1
/** The request thread takes over; the worker must keep out. */
const takeover = 2
/** The worker is between reading records and storing the tail. */
const busy = 3
/** Batches of the string path that are written. */
const batches = 4
const headerBytes = 64
const fields = 4

export interface AccessRecord {
  routeId: number
  status: number
  durationMs: number
  /** Epoch milliseconds. */
  endedMs: number
}

/** @param capacity records, rounded up to a power of two */
export function createAccessMemory(capacity: number): SharedArrayBuffer {
  return new SharedArrayBuffer(headerBytes + 2 ** Math.ceil(Math.log2(capacity)) * fields * 8)
}

class AccessRing {
  protected readonly header: Int32Array
  protected readonly slots: Float64Array
  protected readonly capacity: number

  constructor(memory: SharedArrayBuffer) {
    this.header = new Int32Array(memory, 0, headerBytes / 4)
    this.slots = new Float64Array(memory, headerBytes)
    this.capacity = this.slots.length / fields
  }

  batchesWritten(): number {
    return Atomics.load(this.header, batches)
  }
}

/** The request thread's side. */
export class AccessRingWriter extends AccessRing {
  /** Records that found no room. */
  dropped = 0
  #head: number
  /** The tail as last seen; read again only when the ring seems full. */
  #tail: number

  constructor(memory: SharedArrayBuffer) {
    super(memory)
    this.#head = Atomics.load(this.header, head)
    this.#tail = Atomics.load(this.header, tail)
  }

  push(routeId: number, status: number, durationMs: number, endedMs: number): void {
    const at = this.#head
    if (((at - this.#tail) | 0) >= this.capacity) {
      this.#tail = Atomics.load(this.header, tail)
      if (((at - this.#tail) | 0) >= this.capacity) {
        this.dropped += 1
        return
      }
    }
    const slots = this.slots
    const slot = (at & (this.capacity - 1)) * fields
    slots[slot] = routeId
    slots[slot + 1] = status
    slots[slot + 2] = durationMs
    slots[slot + 3] = endedMs
    this.#head = (at + 1) | 0
    Atomics.store(this.header, head, this.#head)
  }

  /** Stops the worker's reading. @returns whether the worker is out already; call again while it is not */
  takeOver(): boolean {
    Atomics.store(this.header, takeover, 1)
    return Atomics.load(this.header, busy) === 0
  }
}

/** The worker's side, and the request thread's after it took over. */
export class AccessRingReader extends AccessRing {
  /** @returns false where the request thread took over: nothing may be read then */
  enter(): boolean {
    Atomics.store(this.header, busy, 1)
    if (Atomics.load(this.header, takeover) === 0) return true
    this.leave()
    return false
  }

  leave(): void {
    Atomics.store(this.header, busy, 0)
  }

  get takenOver(): boolean {
    return Atomics.load(this.header, takeover) === 1
  }

  /** Records that wait. */
  get waiting(): number {
    return (Atomics.load(this.header, head) - Atomics.load(this.header, tail)) | 0
  }

  /** Reads the record `offset` after the tail into `into`. */
  read(offset: number, into: AccessRecord): void {
    const slots = this.slots
    const slot = ((Atomics.load(this.header, tail) + offset) & (this.capacity - 1)) * fields
    into.routeId = slots[slot]!
    into.status = slots[slot + 1]!
    into.durationMs = slots[slot + 2]!
    into.endedMs = slots[slot + 3]!
  }

  /** Frees the first `count` records. */
  release(count: number): void {
    Atomics.store(this.header, tail, (Atomics.load(this.header, tail) + count) | 0)
  }

  batchWritten(): void {
    Atomics.add(this.header, batches, 1)
  }
}
