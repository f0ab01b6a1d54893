/** stdout or stderr. A pipe or terminal is opened again, to never block; others are written in the background. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import type { Target } from './target.ts'

/** A write of this size to a pipe is never torn by another writer (POSIX PIPE_BUF). */
const pipeChunk = 4_096
const maxChunk = 65_536

export class StandardTarget implements Target {
  fd: number | undefined
  background = true
  regular = false
  #own = false

  /** Opens nothing. */
  constructor(
    readonly name: string,
    private readonly number: 1 | 2,
  ) {}

  open(): void {
    const stat = fstatSync(this.number)
    this.regular = stat.isFile()
    this.fd = this.number
    this.background = true
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return
    try {
      const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY
      this.fd = openSync(`/proc/self/fd/${this.number}`, flags)
      this.#own = true
      this.background = false
    } catch {
      // Without /proc, or without the right to open: the shared descriptor.
    }
  }

  room(): number {
    return this.background ? maxChunk : pipeChunk
  }

  rotate(): void {}
  wrote(): void {}

  isStale(): boolean {
    return this.fd === undefined
  }

  close(): void {
    if (this.#own && this.fd !== undefined) closeSync(this.fd)
    this.fd = undefined
    this.#own = false
  }
}
