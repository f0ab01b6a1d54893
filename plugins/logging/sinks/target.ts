/** The target of bytes: a file that is rotated and opened again, or a stream of this process. */
export interface Target {
  /** Shown to operators. */
  readonly name: string
  /** The open descriptor; undefined while the target is not open. */
  readonly fd: number | undefined
  /** Whether writes run in background. Otherwise a write returns immediately, with EAGAIN while the target is full. */
  readonly background: boolean
  /** Whether the size of the descriptor shows how much was written. */
  readonly regular: boolean
  /** The most bytes of the next write; 0 where `rotate` must come first. */
  room(nowMs: number, nextBytes: number): number
  /** Opens. @throws the system's error */
  open(nowMs: number): void
  /** Starts a new file. @throws the system's error */
  rotate(nowMs: number): void
  /** Counts written bytes. */
  wrote(bytes: number, nowMs: number): void
  /** Whether the target must be opened again, since it was renamed or removed. */
  isStale(): boolean
  close(): void
}
