/** Where bytes go: a file that is rotated and opened again, or a stream of this process. */

export interface Target {
  /** Shown to operators. */
  readonly name: string
  /** The open descriptor; undefined where it could not be opened. */
  readonly fd: number | undefined
  /** Bytes reach the disk in the background: a write may be under way. Otherwise a write returns at once, with EAGAIN if it must. */
  readonly background: boolean
  /** Whether the descriptor's size says how much was written. */
  readonly regular: boolean
  /** Bytes that the next write may have; 0 for a new file first. */
  room(nowMs: number, nextBytes: number): number
  /** Opens. @throws what the system says */
  open(nowMs: number): void
  /** Starts a new file. @throws what the system says */
  rotate(nowMs: number): void
  /** Counts what was written. */
  wrote(bytes: number, nowMs: number): void
  /** Whether it must be opened again: it was renamed or removed. */
  isStale(): boolean
  close(): void
}
