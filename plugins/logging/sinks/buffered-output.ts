/** The output of one target: lines wait in a bounded buffer, never block the loop, survive a full or missing target. */
import { fstatSync, readFileSync, write, writeSync } from 'node:fs'
import { type Cancel, type Clock, messageOf } from '../../../core/plugin.ts'
import { LineBuffer } from './line-buffer.ts'
import type { Target } from './target.ts'

/** How long lines are gathered before they are written. */
const gatherMs = 10
/** The most bytes that one turn of the loop writes to a target that accepts everything. */
const maxPerTurn = 1_048_576
/** How long the last flush waits for a write in progress and for a reader, and a closed sink for its reader. */
const lastWaitMs = 250
const lastPauseMs = 2
const closeWaitMs = 2_000

const isFull = (error: unknown) => (error as { code?: string }).code === 'EAGAIN'

interface Chunk {
  readonly data: Buffer
  /** Written bytes. */
  done: number
  /** What `writtenSoFar` was before the write in progress. */
  before: number | undefined
}

/** The size of a file; for a socket, all that this process has written (Linux, proc(5): io). */
function writtenSoFar(target: Target): number | undefined {
  if (target.regular) return fstatSync(target.fd!).size
  try {
    return Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'latin1'))![1])
  } catch {
    return undefined
  }
}

export class BufferedOutput {
  /** Lines that did not fit the buffer. */
  dropped = 0
  /** Why the target cannot be written at present. */
  problem: string | undefined
  readonly #buffer = new LineBuffer()
  /** Taken from the buffer and not yet written in full. */
  #chunk: Chunk | undefined
  /** The chunk of the write in progress, compared by identity: a completion after a last flush is ignored. */
  #inProgress: Chunk | undefined
  #armed: Cancel | undefined
  #waiters: (() => void)[] = []
  #closed = false

  /** Opens nothing. */
  constructor(
    readonly target: Target,
    private readonly clock: Clock,
    public maxWaiting: number,
  ) {}

  /** Never throws, never blocks. @param line with its line end */
  write(line: string): void {
    if (this.#closed || !this.#buffer.push(line, this.maxWaiting)) this.dropped += 1
    else if (this.#armed === undefined && this.#inProgress === undefined && this.problem === undefined) this.#arm()
  }

  get isIdle(): boolean {
    return this.#buffer.isEmpty && this.#chunk === undefined
  }

  #arm(): void {
    this.#armed = this.clock.after(gatherMs, () => {
      this.#armed = undefined
      this.#pump()
    })
  }

  /** Opens a stale target again, and continues after a failure. Called once a second. */
  tick(): void {
    if (this.#closed || this.#inProgress !== undefined) return
    try {
      if (this.target.isStale()) {
        this.target.close()
        this.target.open(this.clock.now())
      }
      // Nothing waits that the open target could refuse.
      if (this.isIdle) {
        this.problem = undefined
        return
      }
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#pump()
  }

  #pump(): void {
    this.#armed?.()
    this.#armed = undefined
    let left = maxPerTurn
    try {
      while (this.#inProgress === undefined && left > 0 && this.#prepare()) {
        if (this.target.background) {
          this.#writeInBackground()
          return
        }
        left -= this.#writeNow()
      }
    } catch (error) {
      this.#failed(error)
      return
    }
    if (left <= 0) this.#arm()
    else this.#settle()
  }

  /** Takes the next chunk that fits the target. @returns false where nothing waits @throws the system's error */
  #prepare(): boolean {
    if (this.isIdle) return false
    const nowMs = this.clock.now()
    if (this.target.fd === undefined) this.target.open(nowMs)
    if (this.#chunk !== undefined) return true
    const nextBytes = this.#buffer.nextBytes()
    if (this.target.room(nowMs, nextBytes) === 0) this.target.rotate(nowMs)
    this.#chunk = { data: this.#buffer.take(this.target.room(nowMs, nextBytes)), done: 0, before: undefined }
    return true
  }

  #writeNow(): number {
    const chunk = this.#chunk!
    const written = writeSync(this.target.fd!, chunk.data, chunk.done)
    this.#advance(chunk, written)
    return written
  }

  #advance(chunk: Chunk, written: number): void {
    chunk.done += written
    this.target.wrote(written, this.clock.now())
    this.problem = undefined
    if (chunk.done >= chunk.data.length) this.#chunk = undefined
  }

  #writeInBackground(): void {
    const chunk = this.#chunk!
    const fd = this.target.fd!
    chunk.before = writtenSoFar(this.target)
    this.#inProgress = chunk
    write(fd, chunk.data, chunk.done, chunk.data.length - chunk.done, null, (error, written) => {
      if (this.#inProgress !== chunk) return
      this.#inProgress = undefined
      if (error) return this.#failed(error)
      this.#advance(chunk, written)
      this.#pump()
    })
  }

  /** A full target is tried again soon, any other failure at the next tick. */
  #failed(error: unknown): void {
    if (isFull(error)) this.#arm()
    else this.#fail(error)
  }

  #fail(error: unknown): void {
    this.problem = `cannot write ${this.target.name}: ${messageOf(error)}`
    try {
      this.target.close()
    } catch {
      // The close fails for the same reason; the descriptor is closed either way.
    }
    this.#settle()
  }

  #settle(): void {
    if (this.problem === undefined && !this.isIdle) return
    for (const waiter of this.#waiters.splice(0)) waiter()
  }

  /** Resolves when all is written, or the target has failed. */
  flush(): Promise<void> {
    if (this.isIdle || (this.problem !== undefined && this.#inProgress === undefined)) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      if (this.#inProgress === undefined) this.#pump()
    })
  }

  /** Writes everything synchronously. Blocks for a bounded time; lines that cannot be written stay. Never throws. */
  flushSync(): void {
    const deadlineMs = this.clock.monotonic() + lastWaitMs
    let pauses = lastWaitMs / lastPauseMs
    const pause = () => {
      if (pauses-- <= 0 || this.clock.monotonic() > deadlineMs) return false
      Bun.sleepSync(lastPauseMs)
      return true
    }
    try {
      if (!this.#awaitInProgress(pause)) return
      while (this.#prepare()) {
        if (this.target.background && !this.target.regular) {
          // A synchronous write would block until the reader of the socket reads.
          this.#writeInBackground()
          if (!this.#awaitInProgress(pause)) return
          continue
        }
        try {
          this.#writeNow()
        } catch (error) {
          if (!isFull(error) || !pause()) throw error
        }
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#settle()
  }

  /**
   * Waits for the write in progress. Its callback cannot run now: the count of written bytes shows its progress.
   * @returns false where the reader of a socket does not read: the write stays in progress
   */
  #awaitInProgress(pause: () => boolean): boolean {
    const chunk = this.#inProgress
    if (chunk === undefined) return true
    const left = chunk.data.length - chunk.done
    let written = 0
    // One pause in any case: other writers make the count run ahead of this write.
    while (pause()) {
      written = (writtenSoFar(this.target) ?? left) - (chunk.before ?? 0)
      if (written >= left) break
    }
    if (!this.target.regular && written < left) return false
    this.#inProgress = undefined
    this.#advance(chunk, Math.min(left, Math.max(0, written)))
    return true
  }

  /** Flushes and closes; lines that cannot be written are counted as dropped. */
  async close(): Promise<void> {
    let cancel: Cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = this.clock.after(closeWaitMs, resolve)
    })
    await Promise.race([this.flush(), late])
    cancel()
    this.flushSync()
    this.#closed = true
    this.dropped += this.#buffer.count + (this.#chunk === undefined ? 0 : 1)
    this.#armed?.()
    this.#armed = undefined
    this.target.close()
  }
}
