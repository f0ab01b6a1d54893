/** Writes access lines on the spot. Lives in the worker, and for the last moments in the request thread. */
import { writeSync } from 'node:fs'
import { FileTarget } from '../sinks/file-target.ts'
import { LineBuffer } from '../sinks/line-buffer.ts'
import { StandardTarget } from '../sinks/standard-target.ts'
import type { Target } from '../sinks/target.ts'
import { AccessLineEncoder } from './access-line.ts'
import type { AccessDestination, AccessRow } from './access-protocol.ts'
import type { AccessRecord, AccessRingReader } from './access-ring.ts'

/** Records formatted before they are written. */
const maxRecords = 1_024

export class AccessWriter {
  readonly encoder = new AccessLineEncoder()
  readonly #record: AccessRecord = { routeId: 0, status: 0, durationMs: 0, endedMs: 0 }
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

  /** Writes what waits in the ring. @param strict stops at a route without a name @returns records written @throws what the system says */
  drain(strict: boolean): number {
    const { ring, encoder } = this
    const record = this.#record
    let total = 0
    for (;;) {
      const count = Math.min(ring.waiting, maxRecords)
      const lines: string[] = []
      for (let at = 0; at < count; at += 1) {
        ring.read(at, record)
        if (strict && !encoder.knows(record.routeId)) break
        lines.push(encoder.encode(record.routeId, record.status, record.durationMs, record.endedMs))
      }
      if (lines.length === 0) return total
      const written = this.#write(lines)
      ring.release(written)
      total += written
      if (written < lines.length) return total
    }
  }

  /** @returns whether all rows are written @throws what the system says */
  rows(rows: readonly AccessRow[]): boolean {
    const lines = rows.map(([routeId, status, durationMs, endedMs, path, requestId]) => {
      const more =
        (path === '' ? '' : `,"path":${JSON.stringify(this.text(path))}`) +
        (requestId === '' ? '' : `,"requestId":${JSON.stringify(this.text(requestId))}`)
      return this.encoder.encode(routeId, status, durationMs, endedMs, more)
    })
    return this.#write(lines) === lines.length
  }

  #write(lines: readonly string[]): number {
    const buffer = new LineBuffer()
    for (const line of lines) buffer.push(line, Number.POSITIVE_INFINITY)
    while (!buffer.isEmpty) {
      const before = lines.length - buffer.count
      if (!this.#writeChunk(buffer)) return before
    }
    return lines.length
  }

  #writeChunk(buffer: LineBuffer): boolean {
    const target = this.#target
    const nowMs = this.now()
    if (target.fd === undefined) target.open(nowMs)
    let room = target.room(nowMs, buffer.nextBytes())
    if (room === 0) {
      target.rotate(nowMs)
      room = target.room(nowMs, buffer.nextBytes())
    }
    const data = buffer.take(room)
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
    target.wrote(data.length, nowMs)
    return true
  }

  /** Opens the file again if someone moved it. @throws what the system says */
  check(): void {
    if (this.#target.fd === undefined || !this.#target.isStale()) return
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
