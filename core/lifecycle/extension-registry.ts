/** The present contributions of every extension point that keep the rules of the point. */
import { messageOf } from '../contract/errors.ts'
import { disown } from '../contract/foreign/calls.ts'
import { outsideRequests } from '../contract/foreign/outside-requests.ts'
import { shapeProblem } from '../contract/foreign/shape.ts'
import type { Contributed, Contribution, ExtensionPoint, Extensions, PointRules } from '../contract/tokens.ts'

interface Contributor extends Omit<Contributed<unknown>, 'value'> {
  /** Called when the value is left out, with the reason, and with undefined when it no longer is. */
  refused(reason: string | undefined): void
}

interface Entry {
  contributed: Contributed<unknown>
  /** The rules by which the value was read. */
  readBy?: PointRules<unknown>
  readonly refused: Contributor['refused']
  /** Why the value is left out. */
  reason: string | undefined
  /** The reason that the contributor knows. */
  known: string | undefined
}

interface Point {
  entries: readonly Entry[]
  all: readonly Contributed<unknown>[]
  rules: PointRules<unknown> | undefined
  readonly listeners: Set<() => void>
}

const isPlain = (value: object) => [Object.prototype, null].includes(Object.getPrototypeOf(value))

/**
 * Reads each field once, and what its list or map holds: a getter or a proxy may throw or differ the next time.
 * @returns a copy, whose functions are called as methods of the value @throws what the reading throws
 */
function readOnce(value: unknown, { shape }: PointRules<unknown>): unknown {
  if (typeof shape === 'string' || typeof value !== 'object' || value === null) return value
  disown(value)
  const read = new Set([...Object.keys(shape), ...(isPlain(value) ? Object.keys(value) : [])])
  return Object.fromEntries(
    [...read].flatMap((name) => {
      const field: unknown = Reflect.get(value, name)
      if (field === undefined) return []
      if (Array.isArray(field)) return [[name, [...field]]]
      if (typeof field === 'object' && field !== null && isPlain(field)) return [[name, { ...field }]]
      if (typeof field !== 'function') return [[name, field]]
      return [[name, (...values: unknown[]) => Reflect.apply(field, value, values)]]
    }),
  )
}

function notify(entry: Entry): void {
  const { reason } = entry
  if (reason !== entry.known) entry.refused(reason)
  entry.known = reason
}

/**
 * Judges an entry. A plugin may contribute the successor of a value and then withdraw the value, in the same turn.
 * @param names the owners of names, to which the name of the value is added
 * @returns whether the contributor is notified immediately, and not at the end of the turn
 */
function judge(entry: Entry, rules: PointRules<unknown>, names: Map<string, string>): boolean {
  entry.reason = undefined
  try {
    if (entry.readBy !== rules) {
      entry.contributed = { ...entry.contributed, value: readOnce(entry.contributed.value, rules) }
      entry.readBy = rules
    }
    const { plugin, value } = entry.contributed
    entry.reason = shapeProblem(rules.shape, value) ?? rules.refuse?.(value)
    const name = entry.reason === undefined ? rules.nameOf?.(value) : undefined
    if (name === undefined) return true
    const owner = names.get(name)
    names.set(name, owner ?? plugin)
    if (owner !== undefined) entry.reason = `the name ${name} belongs to ${owner}`
    return owner !== plugin
  } catch (error) {
    entry.reason = `it cannot be read: ${messageOf(error)}`
    return true
  }
}

/** Lists the entries that keep the rules, and notifies the contributors of the others. */
function select(point: Point): void {
  const names = new Map<string, string>()
  point.all = point.entries.flatMap((entry) => {
    if (point.rules === undefined || judge(entry, point.rules, names)) notify(entry)
    else queueMicrotask(() => notify(entry))
    return entry.reason === undefined ? [entry.contributed] : []
  })
}

export class ExtensionRegistry {
  readonly #points = new Map<string, Point>()
  #held: Set<Point> | undefined

  #point(id: string): Point {
    const point = this.#points.get(id) ?? { entries: [], all: [], rules: undefined, listeners: new Set() }
    this.#points.set(id, point)
    return point
  }

  #changed(point: Point): void {
    if (this.#held) this.#held.add(point)
    else outsideRequests(() => this.#settle([point]))
  }

  #settle(points: Iterable<Point>): void {
    for (const point of points) select(point)
    for (const { listeners } of points) for (const listener of [...listeners]) listener()
  }

  /** @returns removes the contribution */
  add({ point: id, value }: Contribution, { plugin, fault, hold, refused }: Contributor): () => void {
    const point = this.#point(id)
    const entry: Entry = { contributed: { plugin, value, fault, hold }, refused, reason: undefined, known: undefined }
    point.entries = [...point.entries, entry]
    this.#changed(point)
    return () => {
      point.entries = point.entries.filter((other) => other !== entry)
      entry.reason = entry.known
      this.#changed(point)
    }
  }

  /** Makes many changes that listeners see as one. */
  together(change: () => void): void {
    this.#held = new Set()
    try {
      change()
    } finally {
      const held = this.#held
      this.#held = undefined
      outsideRequests(() => this.#settle(held))
    }
  }

  of<T>({ id, rules }: ExtensionPoint<T>): Extensions<T> {
    const point = this.#point(id)
    if (rules !== undefined && rules !== point.rules) {
      point.rules = rules as PointRules<unknown>
      if (point.entries.length > 0) this.#changed(point)
    }
    return {
      get all() {
        return point.all as readonly Contributed<T>[]
      },
      onChange(listener) {
        point.listeners.add(listener)
        return () => point.listeners.delete(listener)
      },
    }
  }
}
