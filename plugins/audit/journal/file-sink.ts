/** A copy of every record as a line of a file, for a log shipper. Its faults are reported and stop nothing. */
import { type FileHandle, open } from 'node:fs/promises'

export const maxPendingBytes = 4 * 1024 * 1024

export class FileSink {
  dropped = 0
  #handle: FileHandle | undefined
  #pending: string[] = []
  #bytes = 0
  #busy: Promise<void> | undefined

  /** @param onProblem gets why it cannot be written, undefined when it can again */
  constructor(
    private readonly path: string,
    private readonly onProblem: (problem: string | undefined) => void,
  ) {}

  add(lines: readonly string[]): void {
    for (const line of lines) {
      if (this.#bytes + line.length > maxPendingBytes) {
        this.dropped += 1
        continue
      }
      this.#pending.push(line)
      this.#bytes += line.length
    }
    if (this.#pending.length > 0) this.#busy ??= this.#drain()
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const lines = this.#pending
      this.#pending = []
      this.#bytes = 0
      try {
        this.#handle ??= await open(this.path, 'a', 0o600)
        await this.#handle.appendFile(`${lines.join('\n')}\n`)
        await this.#handle.datasync()
        this.onProblem(undefined)
      } catch (error) {
        this.dropped += lines.length
        await this.#handle?.close().catch(() => {})
        this.#handle = undefined
        this.onProblem((error as Error).message)
      }
    }
    // In the turn of the loop's last look, so that what comes right after it begins anew.
    this.#busy = undefined
  }

  async close(): Promise<void> {
    while (this.#busy !== undefined) await this.#busy
    await this.#handle?.close()
    this.#handle = undefined
  }
}
