/**
 * PURE. Entries as bytes: a version byte, then JSON, perhaps compressed. Map, Set, Date, bigint, undefined and bytes
 * survive.
 */
import { zstdDecompressSync } from 'node:zlib'
import type { StoredEntry } from '../entry-times.ts'

const plain = 0x21
const compressed = 0x22
/** Property that marks a value that JSON cannot express. */
const mark = '$ark'
const quotedMark = JSON.stringify(mark)

function pack(value: unknown): unknown {
  if (value === undefined) return { [mark]: 'undefined' }
  if (typeof value === 'bigint') return { [mark]: 'bigint', of: value.toString() }
  if (typeof value === 'number' && !Number.isFinite(value)) return { [mark]: 'number', of: String(value) }
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`a ${typeof value} cannot be stored`)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return { [mark]: 'Date', of: value.getTime() }
  if (value instanceof Map) return { [mark]: 'Map', of: [...value].map((pair) => pair.map(pack)) }
  if (value instanceof Set) return { [mark]: 'Set', of: [...value].map(pack) }
  if (value instanceof Uint8Array) return { [mark]: 'bytes', of: value.toBase64() }
  if (Array.isArray(value)) return value.map(pack)
  const fields = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pack(item)]))
  return mark in fields ? { [mark]: 'object', of: Object.entries(fields) } : fields
}

const unpackFields = (fields: [string, unknown][]) =>
  Object.fromEntries(fields.map(([key, item]) => [key, unpack(item)]))

/** By the kind that the mark names. */
const unpackers: ReadonlyMap<unknown, (of: never) => unknown> = new Map<string, (of: never) => unknown>([
  ['undefined', () => undefined],
  ['bigint', (of: string) => BigInt(of)],
  ['number', (of: string) => Number(of)],
  ['Date', (of: number) => new Date(of)],
  ['Map', (of: [unknown, unknown][]) => new Map(of.map(([key, item]) => [unpack(key), unpack(item)]))],
  ['Set', (of: unknown[]) => new Set(of.map(unpack))],
  ['bytes', (of: string) => Uint8Array.fromBase64(of)],
  ['object', unpackFields],
])

function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(unpack)
  if (!(mark in value)) return unpackFields(Object.entries(value))
  const { [mark]: kind, of } = value as Record<string, unknown>
  const unpacker = unpackers.get(kind)
  if (unpacker === undefined) throw new TypeError('an unknown kind of value')
  return unpacker(of as never)
}

/**
 * Encodes an entry without its place among invalidations, which Redis inserts after the first byte.
 * @param offsetMs milliseconds by which the clock of Redis is ahead: times are encoded by the clock of Redis
 * @param compressAbove bytes
 * @param maxBytes of the JSON
 * @returns undefined for a larger entry
 * @throws TypeError for functions, symbols and circular values
 */
export function encode(
  entry: StoredEntry,
  offsetMs: number,
  compressAbove: number,
  maxBytes: number,
): Uint8Array | undefined {
  const { value, createdMs, freshUntilMs, staleUntilMs, tags } = entry
  const times = [createdMs, freshUntilMs, staleUntilMs].map((ms) => Math.round(ms + offsetMs))
  const json = Buffer.from(JSON.stringify([...times, tags, pack(value)]))
  if (json.length > maxBytes) return undefined
  const compress = json.length > compressAbove
  return Buffer.concat([Buffer.of(compress ? compressed : plain), compress ? Bun.zstdCompressSync(json) : json])
}

const colon = 0x3a
/** Of a JSON text in memory. */
const bytesPerCharacter = 2

/**
 * @param maxBytes of the decompressed JSON
 * @returns the entry and its place among invalidations, or undefined for bytes of another version or program
 */
export function decode(
  bytes: Uint8Array,
  offsetMs: number,
  maxBytes: number,
): (StoredEntry & { readonly at: number }) | undefined {
  try {
    if (bytes[0] !== plain && bytes[0] !== compressed) return undefined
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const end = buffer.indexOf(colon, 1)
    const at = Number(buffer.toString('latin1', 1, end))
    if (end < 2 || !Number.isSafeInteger(at)) return undefined
    const text =
      bytes[0] === plain
        ? buffer.toString('utf8', end + 1)
        : zstdDecompressSync(buffer.subarray(end + 1), { maxOutputLength: maxBytes }).toString()
    const parsed = JSON.parse(text)
    if (!Array.isArray(parsed) || parsed.length !== 5) return undefined
    const [createdMs, freshUntilMs, staleUntilMs, tags, value] = parsed
    const areTimes = Number.isFinite(createdMs) && Number.isFinite(freshUntilMs) && Number.isFinite(staleUntilMs)
    if (!areTimes || !Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) return undefined
    return {
      value: text.includes(quotedMark) ? unpack(value) : value,
      createdMs: createdMs - offsetMs,
      freshUntilMs: freshUntilMs - offsetMs,
      staleUntilMs: staleUntilMs - offsetMs,
      tags,
      valueBytes: text.length * bytesPerCharacter,
      at,
    }
  } catch {
    return undefined
  }
}
