/**
 * Lines on their way to a target: they wait in a bounded buffer, are written without blocking the loop, survive a target that
 * is full or gone, and can be written out on the spot in the last moments of the process.
 */
import { fstatSync, write, writeSync } from 'node:fs'
import { type Cancel, type Clock, messageOf } from '../../../core/plugin.ts'
import { LineBuffer } from './line-buffer.ts'
import type { Target } from './target.ts'

/** How long lines are gathered before they are written. */
const gatherMs = 10
/** What one turn of the loop writes at most to a target that takes everything. */
const maxPerTurn = 1_048_576
/** How long the last flush waits for a write under way, and for a reader that does not read. */
const lastWaitMs = 250
const lastPauseMs = 2

interface Chunk {
  readonly data: Buffer
  /** Bytes of it that are written. */
  done: number
  /** Size of the file before the write under way. */
  sizeBefore: number
}

export class BufferedOutput {
  /** Lines that did not fit the buffer. */
  dropped = 0
  /** Why it cannot write at present. */
  problem: string | undefined
  readonly #buffer = new LineBuffer()
  /** Taken from the buffer and not yet written in full. */
  #chunk: Chunk | undefined
  /** Told apart by identity: a completion that comes after a last flush means nothing. */
  #underWay: Chunk | undefined
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
    else if (this.#armed === undefined && this.#underWay === undefined && this.problem === undefined) this.#arm()
  }

  get isIdle(): boolean {
    return this.#buffer.isEmpty && this.#chunk === undefined && this.#underWay === undefined
  }

  #arm(): void {
    this.#armed = this.clock.after(gatherMs, () => {
      this.#armed = undefined
      this.#pump()
    })
  }

  /** Opens or opens again what needs it, and goes on after a failure. Called once a second. */
  tick(): void {
    if (this.#closed || this.#underWay !== undefined) return
    try {
      if (this.target.isStale()) {
        this.target.close()
        this.target.open(this.clock.now())
      }
      if (this.problem === undefined && this.isIdle) return
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
      while (this.#underWay === undefined && left > 0 && this.#prepare()) {
        if (this.target.background) {
          this.#writeInBackground()
          return
        }
        left -= this.#writeNow()
      }
    } catch (error) {
      if ((error as { code?: string }).code === 'EAGAIN') this.#arm()
      else this.#fail(error)
      return
    }
    if (left <= 0) this.#arm()
    else this.#settle()
  }

  /** Has a chunk ready, in a file that has room for it. @returns false where nothing waits @throws what the system says */
  #prepare(): boolean {
    if (this.#chunk !== undefined || !this.#buffer.isEmpty) {
      const nowMs = this.clock.now()
      if (this.target.fd === undefined) this.target.open(nowMs)
      if (this.#chunk === undefined) {
        const nextBytes = this.#buffer.nextBytes()
        let room = this.target.room(nowMs, nextBytes)
        if (room === 0) {
          this.target.rotate(nowMs)
          room = this.target.room(nowMs, nextBytes)
        }
        this.#chunk = { data: this.#buffer.take(room), done: 0, sizeBefore: 0 }
      }
      return true
    }
    return false
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
    if (this.target.regular) chunk.sizeBefore = fstatSync(fd).size
    this.#underWay = chunk
    write(fd, chunk.data, chunk.done, chunk.data.length - chunk.done, null, (error, written) => {
      if (this.#underWay !== chunk) return
      this.#underWay = undefined
      if (error === null || error === undefined) {
        this.#advance(chunk, written)
        this.#pump()
      } else if (error.code === 'EAGAIN') this.#arm()
      else this.#fail(error)
    })
  }

  #fail(error: unknown): void {
    this.problem = `cannot write ${this.target.name}: ${messageOf(error)}`
    try {
      this.target.close()
    } catch {
      // Closing says the same again; the descriptor is gone either way.
    }
    this.#settle()
  }

  #settle(): void {
    if (this.problem === undefined && !this.isIdle) return
    for (const waiter of this.#waiters.splice(0)) waiter()
  }

  /** Resolves when all is written, or the target has failed. */
  flush(): Promise<void> {
    if (this.isIdle || (this.problem !== undefined && this.#underWay === undefined)) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      if (this.#underWay === undefined) this.#pump()
    })
  }

  /** Writes all on the spot. Blocks for a bounded time; what cannot be written stays. Never throws. */
  flushSync(): void {
    const deadlineMs = this.clock.monotonic() + lastWaitMs
    let pauses = lastWaitMs / lastPauseMs
    const pause = () => {
      if (pauses-- <= 0 || this.clock.monotonic() > deadlineMs) return false
      Bun.sleepSync(lastPauseMs)
      return true
    }
    try {
      this.#takeBack(pause)
      while (this.#prepare()) {
        try {
          this.#writeNow()
        } catch (error) {
          if ((error as { code?: string }).code !== 'EAGAIN' || !pause()) throw error
        }
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#settle()
  }

  /** Waits for the write under way; where its completion cannot be seen, the size of the file says how far it got. */
  #takeBack(pause: () => boolean): void {
    const chunk = this.#underWay
    if (chunk === undefined) return
    const left = chunk.data.length - chunk.done
    let written = 0
    // One pause in any case: others may write to the same file, and its size then runs ahead of this write.
    while (pause()) {
      if (!this.target.regular) break
      written = fstatSync(this.target.fd!).size - chunk.sizeBefore
      if (written >= left) break
    }
    this.#underWay = undefined
    this.#advance(chunk, this.target.regular ? Math.min(left, Math.max(0, written)) : left)
  }

  /** Flushes and closes; lines that cannot be written are counted as dropped. */
  async close(): Promise<void> {
    await this.flush()
    this.flushSync()
    this.#closed = true
    this.dropped += this.#buffer.count + (this.#chunk === undefined ? 0 : 1)
    this.#armed?.()
    this.#armed = undefined
    this.target.close()
  }
}
