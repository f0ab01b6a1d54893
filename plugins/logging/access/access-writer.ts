/** The synchronous writer of access lines, used in the worker, and for the last moments in the request thread. */
import { writeSync } from 'node:fs'
import { FileTarget } from '../sinks/file-target.ts'
import { StandardTarget } from '../sinks/standard-target.ts'
import type { Target } from '../sinks/target.ts'
import { AccessLineEncoder } from './access-line.ts'
import type { AccessDestination, AccessRow } from './access-protocol.ts'
import type { AccessRecord, AccessRingReader } from './access-ring.ts'

/** The size of one write, unless a line is longer. */
const chunkBytes = 65_536
const utf8BytesPerUnit = 3

/** Encodes the line of a record at an offset. @returns where it ends; the offset if it may not be written yet */
type EncodeLine = (index: number, bytes: Uint8Array, at: number) => number

export class AccessWriter {
  readonly encoder = new AccessLineEncoder()
  readonly #record: AccessRecord = { routeId: 0, status: 0, durationMs: 0, endedMs: 0 }
  #bytes = new Uint8Array(chunkBytes)
  #target: Target

  /**
   * @param now epoch milliseconds
   * @param blocked called while a pipe is full; false gives up
   */
  constructor(
    private readonly ring: AccessRingReader,
    destination: AccessDestination,
    private readonly text: (value: string) => string,
    private readonly now: () => number,
    private readonly blocked: () => boolean,
  ) {
    this.#target = targetOf(destination)
  }

  /** Writes waiting records. @param strict stops at an unnamed route @returns how many @throws the system's error */
  drain(strict: boolean): number {
    const { ring, encoder } = this
    const record = this.#record
    const encode: EncodeLine = (index, bytes, at) => {
      ring.read(index, record)
      return strict && !encoder.knows(record.routeId) ? at : encoder.encode(record, bytes, at)
    }
    let total = 0
    for (;;) {
      const written = this.#writeChunk(0, ring.waiting, encoder.maxBytes, encode)
      if (written === 0) return total
      ring.release(written)
      total += written
    }
  }

  /** @returns whether all rows are written @throws the system's error */
  rows(rows: readonly AccessRow[]): boolean {
    const { encoder } = this
    const record = this.#record
    const texts = rows.map(
      ([, , , , path, requestId]) => this.#member('path', path) + this.#member('requestId', requestId),
    )
    const maxBytes = encoder.maxBytes + Math.max(0, ...texts.map(({ length }) => length)) * utf8BytesPerUnit
    const encode: EncodeLine = (index, bytes, at) => {
      const [routeId, status, durationMs, endedMs] = rows[index]!
      Object.assign(record, { routeId, status, durationMs, endedMs })
      return encoder.encode(record, bytes, at, texts[index])
    }
    let done = 0
    while (done < rows.length) {
      const written = this.#writeChunk(done, rows.length, maxBytes, encode)
      if (written === 0) return false
      done += written
    }
    return true
  }

  #member(name: string, value: string): string {
    return value === '' ? '' : `,"${name}":${JSON.stringify(this.text(value))}`
  }

  /** Encodes lines into one chunk and writes it. @returns how many lines: 0 without one, or if a pipe stays full */
  #writeChunk(from: number, to: number, maxBytes: number, encode: EncodeLine): number {
    if (from >= to) return 0
    if (this.#bytes.length < maxBytes) this.#bytes = new Uint8Array(maxBytes)
    const bytes = this.#bytes
    let end = encode(from, bytes, 0)
    if (end === 0) return 0
    const last = Math.min(this.#room(end), bytes.length) - maxBytes
    let next = from + 1
    while (next < to && end <= last) {
      const before = end
      end = encode(next, bytes, end)
      if (end === before) break
      next += 1
    }
    return this.#write(bytes.subarray(0, end)) ? next - from : 0
  }

  /** Bytes that the target takes now, opened and rotated where due. */
  #room(nextBytes: number): number {
    const target = this.#target
    const nowMs = this.now()
    if (target.fd === undefined) target.open(nowMs)
    const room = target.room(nowMs, nextBytes)
    if (room > 0) return room
    target.rotate(nowMs)
    return target.room(nowMs, nextBytes)
  }

  #write(data: Uint8Array): boolean {
    const target = this.#target
    let done = 0
    while (done < data.length) {
      try {
        done += writeSync(target.fd!, data, done)
      } catch (error) {
        if ((error as { code?: string }).code !== 'EAGAIN') {
          target.close()
          throw error
        }
        if (!this.blocked()) return false
      }
    }
    target.wrote(data.length, this.now())
    return true
  }

  /**
   * Opens the file again after another program moved it.
   * @param retries opens a closed file, too
   * @throws the system's error
   */
  check(retries = false): void {
    if ((this.#target.fd === undefined && !retries) || !this.#target.isStale()) return
    this.#target.close()
    this.#target.open(this.now())
  }

  redirect(destination: AccessDestination): void {
    this.close()
    this.#target = targetOf(destination)
  }

  close(): void {
    this.#target.close()
  }
}

const targetOf = ({ file, rotation }: AccessDestination): Target =>
  file === undefined ? new StandardTarget('stdout', 1) : new FileTarget(file, file, rotation)
