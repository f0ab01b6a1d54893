/** The line of one request, encoded by hand. Pure; runs in the access log's worker. */
import type { AccessRecord } from './access-ring.ts'

export interface RouteName {
  readonly method: string
  readonly pattern: string
}

const closing = 125
const newline = 10
const dot = 46
const zero = 48
const utf8 = new TextEncoder()

/** `{"timestamp":"2026-01-01T00:00:00.`, then three digits. */
const headBytes = 34
const emptyHead = `{"timestamp":"${' '.repeat(headBytes - 14)}000Z`

/** The beginning of the lines of one route, up to the status, with the second of the last one. */
class LineStart {
  readonly bytes: Uint8Array
  #second = Number.NaN

  constructor({ method, pattern }: RouteName) {
    const members = `"method":${JSON.stringify(method)},"route":${JSON.stringify(pattern)},"status":`
    this.bytes = utf8.encode(`${emptyHead}",${members}`)
  }

  /** @param second of the Unix epoch */
  at(second: number): Uint8Array {
    if (second !== this.#second) {
      this.#second = second
      utf8.encodeInto(new Date(second * 1_000).toISOString().slice(0, 20), this.bytes.subarray(14, headBytes))
    }
    return this.bytes
  }
}

/** Encodes lines as UTF-8; keeps what is the same from line to line. */
export class AccessLineEncoder {
  readonly #routes: (LineStart | undefined)[] = []
  readonly #unknown = new LineStart({ method: '_OTHER', pattern: '__unknown' })
  readonly #duration = utf8.encode(',"durationMs":')
  /** Of the longest line without `more`. */
  maxBytes = 0

  constructor() {
    this.#fits(this.#unknown)
  }

  setRoute(id: number, name: RouteName): void {
    const start = new LineStart(name)
    this.#routes[id] = start
    this.#fits(start)
  }

  #fits({ bytes }: LineStart): void {
    this.maxBytes = Math.max(this.maxBytes, bytes.length + 96)
  }

  knows(id: number): boolean {
    return this.#routes[id] !== undefined
  }

  /**
   * @param out with room for `maxBytes` and `more` from `at` on
   * @param endedMs epoch milliseconds
   * @param more further members, beginning with a comma
   * @returns where the line, with its line end, ends
   */
  encode({ routeId, status, durationMs, endedMs }: AccessRecord, out: Uint8Array, at: number, more = ''): number {
    const second = Math.floor(endedMs / 1_000)
    const start = (this.#routes[routeId] ?? this.#unknown).at(second)
    out.set(start, at)
    const ms = Math.floor(endedMs) - second * 1_000
    out[at + headBytes] = zero + ((ms / 100) | 0)
    out[at + headBytes + 1] = zero + (((ms / 10) | 0) % 10)
    out[at + headBytes + 2] = zero + (ms % 10)
    let end = integer(status, out, at + start.length)
    end = copy(this.#duration, out, end)
    end = thousandths(Math.round(durationMs * 1_000), out, end)
    if (more !== '') end += utf8.encodeInto(more, out.subarray(end)).written
    out[end] = closing
    out[end + 1] = newline
    return end + 2
  }
}

/** Short runs of bytes: a loop is faster than `set`. */
function copy(from: Uint8Array, out: Uint8Array, at: number): number {
  for (let index = 0; index < from.length; index += 1) out[at + index] = from[index]!
  return at + from.length
}

/** Writes a whole number as JSON does. */
function integer(value: number, out: Uint8Array, at: number): number {
  if (!(value >= 0 && value <= 0x3fff_ffff)) return copy(utf8.encode(JSON.stringify(value)), out, at)
  let digits = 1
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) digits += 1
  let rest = value
  for (let index = at + digits - 1; index >= at; index -= 1) {
    out[index] = zero + (rest % 10)
    rest = (rest / 10) | 0
  }
  return at + digits
}

/** Writes `value / 1000` as JSON does: without trailing zeros. */
function thousandths(value: number, out: Uint8Array, at: number): number {
  if (!(value >= 0 && value <= 0x3fff_ffff)) return copy(utf8.encode(JSON.stringify(value / 1_000)), out, at)
  const fraction = value % 1_000
  const end = integer((value / 1_000) | 0, out, at)
  if (fraction === 0) return end
  out[end] = dot
  out[end + 1] = zero + ((fraction / 100) | 0)
  if (fraction % 100 === 0) return end + 2
  out[end + 2] = zero + (((fraction / 10) | 0) % 10)
  if (fraction % 10 === 0) return end + 3
  out[end + 3] = zero + (fraction % 10)
  return end + 4
}

/** @param url absolute @returns its path, without query and fragment */
export function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  if (start < 0) return '/'
  for (let at = start; at < url.length; at += 1) {
    const code = url.charCodeAt(at)
    if (code === 63 || code === 35) return url.slice(start, at)
  }
  return url.slice(start)
}
