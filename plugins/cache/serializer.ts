/** PURE. Entries as bytes: a version byte, then JSON in which Map, Set, Date, bigint, undefined and bytes survive; or that compressed. */

/** An entry as it stands in Redis. Times are epoch milliseconds. */
export interface StoredEntry {
  readonly value: unknown
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly staleUntilMs: number
  readonly tags: readonly string[]
}

const plain = 0x11
const compressed = 0x12
/** Property that marks what JSON has no word for. */
const mark = '$ark'

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

function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(unpack)
  if (!(mark in value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpack(item)]))
  const { [mark]: kind, of } = value as Record<string, unknown>
  switch (kind) {
    case 'undefined':
      return undefined
    case 'bigint':
      return BigInt(of as string)
    case 'number':
      return Number(of)
    case 'Date':
      return new Date(of as number)
    case 'Map':
      return new Map((of as [unknown, unknown][]).map(([key, item]) => [unpack(key), unpack(item)]))
    case 'Set':
      return new Set((of as unknown[]).map(unpack))
    case 'bytes':
      return Uint8Array.fromBase64(of as string)
    case 'object':
      return Object.fromEntries((of as [string, unknown][]).map(([key, item]) => [key, unpack(item)]))
    default:
      throw new TypeError('an unknown kind of value')
  }
}

/** @param compressAbove bytes @throws TypeError for what cannot be stored: functions, circles */
export function encode(entry: StoredEntry, compressAbove: number): Uint8Array {
  const { value, createdMs, freshUntilMs, staleUntilMs, tags } = entry
  const json = Buffer.from(JSON.stringify([createdMs, freshUntilMs, staleUntilMs, tags, pack(value)]))
  const squeeze = json.length > compressAbove
  return Buffer.concat([Buffer.of(squeeze ? compressed : plain), squeeze ? Bun.zstdCompressSync(json) : json])
}

/** @returns the entry, or undefined for bytes of another version or another author */
export function decode(bytes: Uint8Array): StoredEntry | undefined {
  try {
    const body = bytes.subarray(1)
    if (bytes[0] !== plain && bytes[0] !== compressed) return undefined
    const json = bytes[0] === compressed ? Bun.zstdDecompressSync(body) : body
    const parsed = JSON.parse(Buffer.from(json).toString())
    const [createdMs, freshUntilMs, staleUntilMs, tags, value] = parsed
    const times = [createdMs, freshUntilMs, staleUntilMs]
    if (!times.every(Number.isFinite) || !Array.isArray(tags) || parsed.length !== 5) return undefined
    return { value: unpack(value), createdMs, freshUntilMs, staleUntilMs, tags }
  } catch {
    return undefined
  }
}
