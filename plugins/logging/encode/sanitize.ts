/** The sanitizer of logged values: makes a bounded plain tree for JSON, without secrets. Pure; never throws. */
import type { KeyRule, Redactor } from './redact-record.ts'

const maxDepth = 8
const maxItems = 100
const maxNodes = 2_000
const maxCauses = 5
const maxText = 16_384
/** Read beyond the cut, so that a secret across the cut is still recognised. */
const overlap = 2_048

export type Tree = Record<string, unknown>

interface Walk {
  readonly redactor: Redactor
  /** The objects between the root and here, against circles. */
  readonly path: object[]
  nodes: number
}

/** @param value any string @returns the string redacted, cut to 16 KiB */
export function safeText(redactor: Redactor, value: string): string {
  if (value.length <= maxText) return redactor.text(value)
  const text = redactor.text(value.slice(0, maxText + overlap))
  return `${text.slice(0, maxText)}…[${value.length - maxText} more]`
}

/** @param fields of a line @param into the tree to add to; its own keys win @returns `into` */
export function sanitizeFields(redactor: Redactor, fields: Readonly<Record<string, unknown>>, into: Tree): Tree {
  const walk: Walk = { redactor, path: [], nodes: 0 }
  try {
    members(walk, fields, into, reserved)
  } catch {
    into.fieldsError = '[unreadable]'
  }
  return into
}

/** Keys of the line itself: a field of such a name is kept as `field_name`. */
const reserved: ReadonlySet<string> = new Set(['timestamp', 'level', 'logger', 'message', 'module', 'function', 'line'])
const none: ReadonlySet<string> = new Set()

function members(walk: Walk, source: object, into: Tree, taken: ReadonlySet<string>): Tree {
  walk.path.push(source)
  let count = 0
  for (const key of Object.keys(source)) {
    if (count++ >= maxItems || walk.nodes > maxNodes) {
      into['…'] = 'more keys left out'
      break
    }
    const value = read(source, key)
    if (value === undefined) continue
    if (taken === errorKeys && taken.has(key)) continue
    const rule = walk.redactor.key(key)
    into[taken.has(key) ? `field_${key}` : keyName(rule)] = member(walk, rule, value)
  }
  walk.path.pop()
  return into
}

function read(source: object, key: string): unknown {
  try {
    return (source as Tree)[key]
  } catch {
    return '[throws]'
  }
}

const keyName = ({ name }: KeyRule) => (name === '__proto__' ? '[__proto__]' : name)

function member(walk: Walk, { secret }: KeyRule, value: unknown): unknown {
  if (!secret) return sanitize(walk, value)
  if (value === null || value === '' || typeof value === 'boolean') return value
  return walk.redactor.mask(typeof value === 'object' ? sanitize(walk, value) : String(value))
}

function sanitize(walk: Walk, value: unknown): unknown {
  walk.nodes += 1
  switch (typeof value) {
    case 'string':
      return safeText(walk.redactor, value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return value.toString()
    case 'function':
      return `[function ${safeText(walk.redactor, value.name)}]`
    case 'symbol':
      return safeText(walk.redactor, value.toString())
    case 'object':
      return value === null ? null : object(walk, value)
    default:
      return value
  }
}

function object(walk: Walk, value: object): unknown {
  if (walk.path.includes(value)) return '[circular]'
  if (walk.path.length >= maxDepth) return Array.isArray(value) ? '[array]' : '[object]'
  if (walk.nodes > maxNodes) return '[left out]'
  try {
    return known(walk, value)
  } catch {
    return '[unreadable]'
  }
}

function known(walk: Walk, value: object): unknown {
  if (Array.isArray(value)) return list(walk, value, value)
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return plain(walk, value)
  if (value instanceof Error) return errorTree(walk, value, maxCauses)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof Map) return pairs(walk, value, value)
  if (value instanceof Set) return list(walk, value, value)
  if (value instanceof Headers || value instanceof URLSearchParams) return pairs(walk, value, value)
  if (value instanceof Request) return safeText(walk.redactor, `${value.method} ${value.url}`)
  if (value instanceof Response) return `[response ${value.status}]`
  if (value instanceof RegExp || value instanceof URL) return safeText(walk.redactor, String(value))
  if (ArrayBuffer.isView(value)) return `[${value.constructor.name} ${value.byteLength} bytes]`
  if (value instanceof ArrayBuffer) return `[ArrayBuffer ${value.byteLength} bytes]`
  return plain(walk, value)
}

function plain(walk: Walk, value: object): unknown {
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON !== 'function') return members(walk, value, {}, none)
  walk.path.push(value)
  const result = sanitize(walk, toJSON.call(value))
  walk.path.pop()
  return result
}

function list(walk: Walk, owner: object, values: Iterable<unknown>): unknown[] {
  walk.path.push(owner)
  const result: unknown[] = []
  for (const value of values) {
    if (result.length >= maxItems || walk.nodes > maxNodes) {
      result.push('…')
      break
    }
    result.push(sanitize(walk, value))
  }
  walk.path.pop()
  return result
}

function pairs(walk: Walk, owner: object, entries: Iterable<[unknown, unknown]>): Tree {
  walk.path.push(owner)
  const into: Tree = {}
  let count = 0
  for (const [key, value] of entries) {
    if (count++ >= maxItems || walk.nodes > maxNodes) {
      into['…'] = 'more entries left out'
      break
    }
    const rule = walk.redactor.key(typeof key === 'string' ? key : String(sanitize(walk, key)))
    into[keyName(rule)] = member(walk, rule, value)
  }
  walk.path.pop()
  return into
}

/** `type`, `message`, `stack`, further members of the error, and its causes down to a bounded depth. */
function errorTree(walk: Walk, error: Error, causesLeft: number): Tree {
  const tree: Tree = {
    type: safeText(walk.redactor, String(error.name)),
    message: safeText(walk.redactor, String(error.message)),
  }
  if (typeof error.stack === 'string') tree.stack = safeText(walk.redactor, error.stack)
  members(walk, error, tree, errorKeys)
  walk.path.push(error)
  const { cause } = error
  if (cause !== undefined) tree.cause = causeTree(walk, cause, causesLeft)
  if (error instanceof AggregateError) {
    tree.errors = error.errors.slice(0, maxCauses).map((each) => causeTree(walk, each, causesLeft))
  }
  walk.path.pop()
  return tree
}

function causeTree(walk: Walk, cause: unknown, causesLeft: number): unknown {
  if (!(cause instanceof Error)) return sanitize(walk, cause)
  if (walk.path.includes(cause)) return '[circular]'
  return causesLeft > 1 && walk.nodes++ < maxNodes ? errorTree(walk, cause, causesLeft - 1) : '[more causes]'
}

const errorKeys: ReadonlySet<string> = new Set(['type', 'message', 'stack', 'name', 'cause', 'errors'])
