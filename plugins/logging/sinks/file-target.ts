/** A file that is rotated by size and time, and opened again after another program moved the file. */
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, statSync, unlink } from 'node:fs'
import { dirname } from 'node:path'
import { type Rotation, rotationDue, rotationMoves } from './rotation.ts'
import type { Target } from './target.ts'

const maxChunk = 65_536

export class FileTarget implements Target {
  readonly background = true
  regular = true
  fd: number | undefined
  #size = 0
  #writtenMs = 0

  /** Opens nothing. @param path absolute */
  constructor(
    readonly name: string,
    readonly path: string,
    public rotation: Rotation,
  ) {}

  open(nowMs: number): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o750 })
    this.fd = openSync(this.path, 'a', 0o640)
    const stat = fstatSync(this.fd)
    this.regular = stat.isFile()
    this.#size = this.regular ? stat.size : 0
    this.#writtenMs = this.#size === 0 ? nowMs : stat.mtimeMs
  }

  room(nowMs: number, nextBytes: number): number {
    if (!this.regular) return maxChunk
    if (rotationDue(this.rotation, this.#size, nextBytes, this.#writtenMs, nowMs) !== undefined) return 0
    return Math.min(maxChunk, Math.max(1, this.rotation.size - this.#size))
  }

  rotate(nowMs: number): void {
    this.close()
    for (const { from, to } of rotationMoves(this.path, this.rotation.files, existsSync)) {
      if (to !== undefined) {
        renameSync(from, to)
        continue
      }
      const removed = `${this.path}.removed`
      renameSync(from, removed)
      unlink(removed, () => {})
    }
    this.open(nowMs)
  }

  wrote(bytes: number, nowMs: number): void {
    this.#size += bytes
    this.#writtenMs = nowMs
  }

  isStale(): boolean {
    if (this.fd === undefined) return true
    const open = fstatSync(this.fd)
    const named = statSync(this.path, { throwIfNoEntry: false })
    if (this.regular) this.#size = open.size
    return named === undefined || named.ino !== open.ino || named.dev !== open.dev
  }

  close(): void {
    if (this.fd === undefined) return
    closeSync(this.fd)
    this.fd = undefined
  }
}
