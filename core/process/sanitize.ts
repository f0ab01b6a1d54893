/** The sanitizer of logged values: makes a bounded plain tree for JSON, without secrets. Pure; never throws. */
import { types } from 'node:util'
import { isError } from '../contract/errors.ts'
import { type KeyRule, maxText, type Redactor, shortText } from '../contract/redact/redactor.ts'

const maxDepth = 8
const maxItems = 100
const maxNodes = 2_000
const maxCauses = 5
/** Of all the texts of a line but the message: they are searched for secrets on the request thread. */
const maxCharacters = 131_072
const maxBigInt = 10n ** 1_000n

export type Tree = Record<string, unknown>

interface Walk {
  readonly redactor: Redactor
  /** The objects between the root and here, against circles. */
  readonly path: object[]
  nodes: number
  /** Characters that the line may still have. */
  room: number
}

/** @returns a text without secrets, cut to 16 KiB or to a length */
export function safeText(redactor: Redactor, value: string, length = maxText): string {
  if (value.length <= length) return redactor.text(value)
  return `${shortText(redactor, value, length)}…[${value.length - length} more]`
}

export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return String(value)
  } catch {
    return unreadable
  }
}

const unreadable = '[unreadable]'

function text(walk: Walk, value: unknown): string {
  const whole = textOf(value)
  if (whole.length <= maxText && whole.length <= walk.room) {
    walk.room -= whole.length
    return walk.redactor.text(whole)
  }
  const length = Math.min(maxText, walk.room)
  walk.room -= length
  return safeText(walk.redactor, whole, length)
}

/** @param fields of a line @param into the tree to add to; its own keys win @returns `into` */
export function sanitizeFields(redactor: Redactor, fields: Readonly<Record<string, unknown>>, into: Tree): Tree {
  const walk: Walk = { redactor, path: [], nodes: 0, room: maxCharacters }
  try {
    members(walk, isError(fields) ? { error: fields } : fields, into, reserved)
  } catch {
    into.fieldsError = unreadable
  }
  return into
}

/** Keys of the line itself: a field of such a name is kept as `field_name`. */
const reserved: ReadonlySet<string> = new Set(['timestamp', 'level', 'logger', 'message', 'module', 'function', 'line'])
const none: ReadonlySet<string> = new Set()

function members(walk: Walk, source: object, into: Tree, taken: ReadonlySet<string>): Tree {
  walk.path.push(source)
  for (const [count, key] of Object.keys(source).entries()) {
    if (count >= maxItems || walk.nodes > maxNodes) {
      into['…'] = 'more keys left out'
      break
    }
    const value = read(source, key)
    if (value === undefined) continue
    if (taken === errorKeys && taken.has(key)) continue
    const rule = walk.redactor.key(key, source)
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

function member(walk: Walk, { secret, counts }: KeyRule, value: unknown): unknown {
  if (!secret || (counts && typeof value === 'number')) return sanitize(walk, value)
  if (value === null || value === '' || typeof value === 'boolean') return value
  return walk.redactor.mask(typeof value === 'string' ? value.slice(0, maxText) : sanitize(walk, value))
}

function sanitize(walk: Walk, value: unknown): unknown {
  walk.nodes += 1
  switch (typeof value) {
    case 'string':
      return text(walk, value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return value < maxBigInt && value > -maxBigInt ? value.toString() : '[bigint of more than 1000 digits]'
    case 'function':
      return `[function ${text(walk, read(value, 'name'))}]`
    case 'symbol':
      return text(walk, value)
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
  return guarded(walk, () => known(walk, value))
}

function guarded(walk: Walk, make: () => unknown): unknown {
  const depth = walk.path.length
  try {
    return make()
  } catch {
    walk.path.length = depth
    return unreadable
  }
}

function known(walk: Walk, value: object): unknown {
  if (Array.isArray(value)) return list(walk, value, value)
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return plain(walk, value)
  if (isError(value)) return errorTree(walk, value, maxCauses)
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (types.isMap(value)) return pairs(walk, value, value)
  if (types.isSet(value)) return list(walk, value, value)
  if (value instanceof Headers || value instanceof URLSearchParams) return pairs(walk, value, value)
  if (value instanceof Request) return text(walk, `${value.method} ${value.url}`)
  if (value instanceof Response) return `[response ${value.status}]`
  if (types.isRegExp(value) || value instanceof URL) return text(walk, value)
  if (value instanceof Number) return sanitize(walk, Number(value))
  if (value instanceof String) return text(walk, value)
  if (value instanceof Boolean) return value.valueOf() === true
  if (ArrayBuffer.isView(value)) return `[${value.constructor.name} ${value.byteLength} bytes]`
  if (types.isArrayBuffer(value)) return `[ArrayBuffer ${value.byteLength} bytes]`
  return plain(walk, value)
}

function plain(walk: Walk, value: object): unknown {
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON !== 'function') return members(walk, value, {}, none)
  const result: unknown = toJSON.call(value)
  if (result === value) return members(walk, value, {}, none)
  walk.path.push(value)
  const tree = sanitize(walk, result)
  walk.path.pop()
  return tree
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
  const tree: Tree = { type: text(walk, read(error, 'name')), message: text(walk, read(error, 'message')) }
  const stack = read(error, 'stack')
  if (typeof stack === 'string') tree.stack = text(walk, stack)
  members(walk, error, tree, errorKeys)
  walk.path.push(error)
  const cause = read(error, 'cause')
  if (cause !== undefined) tree.cause = guarded(walk, () => causeTree(walk, cause, causesLeft))
  const errors = read(error, 'errors')
  const treeOf = (each: unknown) => guarded(walk, () => causeTree(walk, each, causesLeft))
  if (Array.isArray(errors)) tree.errors = errors.slice(0, maxCauses).map(treeOf)
  else if (errors !== undefined) tree.errors = treeOf(errors)
  walk.path.pop()
  return tree
}

function causeTree(walk: Walk, cause: unknown, causesLeft: number): unknown {
  if (!isError(cause)) return sanitize(walk, cause)
  if (walk.path.includes(cause)) return '[circular]'
  return causesLeft > 1 && walk.nodes++ < maxNodes ? errorTree(walk, cause, causesLeft - 1) : '[more causes]'
}

const errorKeys: ReadonlySet<string> = new Set(['type', 'message', 'stack', 'name', 'cause', 'errors'])
