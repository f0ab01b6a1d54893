/** The signed end of the chain, beside the database: without it nobody would miss records cut off at the end. */
import { readdir, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readDataFile } from '../../../core/plugin.ts'
import type { Checkpoint } from './chain.ts'

function parseCheckpoint(json: string): Checkpoint {
  const checkpoint = (JSON.parse(json) ?? {}) as Checkpoint
  const { seq, hash, timeMs, signature } = checkpoint
  const isSigned =
    Number.isInteger(seq) && Number.isFinite(timeMs) && [hash, signature].every((it) => typeof it === 'string')
  if (!isSigned) throw new Error('it is not the signed end of an audit log')
  return checkpoint
}

/** @throws DATA_FILE_DAMAGED */
const readCheckpoint = (file: string) =>
  readDataFile(file, 'records that were removed from the end of the audit log are then not missed', parseCheckpoint)

export class HeadFile {
  #latest: Checkpoint | undefined
  #busy: Promise<void> | undefined

  /** @param onProblem gets why it cannot be written, undefined when it can again */
  constructor(
    private readonly path: string,
    private readonly onProblem: (error: unknown) => void,
  ) {}

  /** @throws DATA_FILE_DAMAGED */
  read(): Checkpoint | undefined {
    return readCheckpoint(this.path)
  }

  /** Puts the file aside, as evidence of what is no longer in the database. @returns its new path */
  async setAside({ seq }: Checkpoint): Promise<string> {
    const aside = `${this.path}.lost-${seq}`
    await rename(this.path, aside)
    return aside
  }

  async aside(): Promise<readonly Checkpoint[]> {
    const directory = dirname(this.path)
    const names = (await readdir(directory)).filter((name) => name.startsWith(`${basename(this.path)}.lost-`))
    return names.flatMap((name) => readCheckpoint(join(directory, name)) ?? [])
  }

  /** Replaces the file soon; of several waiting checkpoints only the newest is written. */
  put(checkpoint: Checkpoint): void {
    this.#latest = checkpoint
    this.#busy ??= this.#drain()
  }

  /** Writes a checkpoint that could not be written. Run it every few seconds. */
  retry(): void {
    if (this.#latest !== undefined) this.#busy ??= this.#drain()
  }

  /** Resolves when the file is written, or could not be. */
  async flush(): Promise<void> {
    while (this.#busy !== undefined) await this.#busy
  }

  async #drain(): Promise<void> {
    while (this.#latest !== undefined) {
      const checkpoint = this.#latest
      this.#latest = undefined
      try {
        await writeFile(`${this.path}.new`, JSON.stringify(checkpoint), { mode: 0o600, flush: true })
        await rename(`${this.path}.new`, this.path)
        this.onProblem(undefined)
      } catch (error) {
        this.#latest ??= checkpoint
        this.onProblem(error)
        break
      }
    }
    // In the turn of the loop's last look, so that what comes right after it begins anew.
    this.#busy = undefined
  }
}
