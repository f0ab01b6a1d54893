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
      if (this.#bytes + line.length > maxPendingBytes) this.dropped += 1
      else {
        this.#pending.push(line)
        this.#bytes += line.length
      }
    }
    this.retry()
  }

  /** Writes lines that could not be written. Run it every few seconds. */
  retry(): void {
    if (this.#pending.length > 0) this.#busy ??= this.#drain()
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const [lines, bytes] = [this.#pending, this.#bytes]
      this.#pending = []
      this.#bytes = 0
      try {
        await this.#append(`${lines.join('\n')}\n`)
        this.onProblem(undefined)
      } catch (error) {
        // While these lines wait, `add` takes others up to the same bound.
        this.#pending = [...lines, ...this.#pending]
        this.#bytes += bytes
        await this.#handle?.close().catch(() => {})
        this.#handle = undefined
        this.onProblem((error as Error).message)
        break
      }
    }
    // In the turn of the loop's last look, so that what comes right after it begins anew.
    this.#busy = undefined
  }

  /** Appends the text, or nothing: the next attempt must not follow half a line. */
  async #append(text: string): Promise<void> {
    this.#handle ??= await open(this.path, 'a', 0o600)
    const { size } = await this.#handle.stat()
    try {
      await this.#handle.appendFile(text)
      await this.#handle.datasync()
    } catch (error) {
      await this.#handle.truncate(size).catch(() => {})
      throw error
    }
  }

  async close(): Promise<void> {
    while (this.#busy !== undefined) await this.#busy
    this.dropped += this.#pending.length
    this.#pending = []
    await this.#handle?.close()
    this.#handle = undefined
  }
}
