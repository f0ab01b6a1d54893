/** The tree of a configuration: plain values, each with its source. Pure. */
import type { Source } from '../types.ts'

export type Path = readonly (string | number)[]

export interface Scalar {
  readonly kind: 'scalar'
  readonly source: Source
  value: unknown
  /** The text of a plain scalar that was an expansion, for a field of text whose value looks like a number. */
  readonly text?: string
  /** The value came from `${file:...}`, as secrets do: never shown. */
  readonly hidden?: true
  /** The expansion failed, and the failure is reported already. */
  readonly broken?: true
}
export interface List {
  readonly kind: 'list'
  readonly source: Source
  readonly items: Node[]
}
export interface Tree {
  readonly kind: 'map'
  readonly source: Source
  readonly entries: Map<string, Entry>
}
export interface Entry {
  readonly key: Source
  node: Node
}
export type Node = Scalar | List | Tree

export const emptyTree = (source: Source): Tree => ({ kind: 'map', source, entries: new Map() })

/** A key for a message. A stray quote can make a key of half a file, with secrets: such a key is not shown. */
export const showKey = (key: string): string => (/^[^"'{}[\],\n]{0,64}$/.test(key) && !key.includes(': ') ? key : '[…]')

const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** Makes a tree of plain values, all from one source; `undefined` counts as absent, other objects as scalars. */
export function fromPlain(value: unknown, source: Source): Node {
  if (Array.isArray(value)) return { kind: 'list', source, items: value.map((item) => fromPlain(item, source)) }
  if (typeof value !== 'object' || value === null || !isPlain(value)) return { kind: 'scalar', source, value }
  const tree = emptyTree(source)
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) tree.entries.set(key, { key: source, node: fromPlain(item, source) })
  }
  return tree
}

export function toPlain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(toPlain)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.node)]))
}

/** Merges one tree over another: maps merge, else the upper node wins. */
export function merge(under: Node, over: Node): Node {
  if (under.kind !== 'map' || over.kind !== 'map') return over
  const entries = new Map(under.entries)
  for (const [key, entry] of over.entries) {
    const below = entries.get(key)
    entries.set(key, { key: entry.key, node: below === undefined ? entry.node : merge(below.node, entry.node) })
  }
  return { ...over, entries }
}

/** Joins two files of equal rank: maps merge, lists append, an empty value yields, anything else is a conflict. */
export function join(first: Node, second: Node, path: Path, conflict: (path: Path, a: Node, b: Node) => void): Node {
  if (second.kind === 'scalar' && second.value === null) return first
  if (first.kind === 'scalar' && first.value === null) return second
  if (first.kind === 'list' && second.kind === 'list') return { ...first, items: [...first.items, ...second.items] }
  if (first.kind !== 'map' || second.kind !== 'map') {
    conflict(path, first, second)
    return first
  }
  const entries = new Map(first.entries)
  for (const [key, entry] of second.entries) {
    const other = entries.get(key)
    const node = other === undefined ? entry.node : join(other.node, entry.node, [...path, key], conflict)
    entries.set(key, { key: other?.key ?? entry.key, node })
  }
  return { ...first, entries }
}

/** Puts a node at a path of keys, and makes the maps that are missing. @returns the changed tree */
export function assign(tree: Node, path: readonly string[], node: Node): Node {
  const [key, ...rest] = path
  if (key === undefined) return node
  const entries = new Map(tree.kind === 'map' ? tree.entries : [])
  const entry = entries.get(key)
  entries.set(key, { key: entry?.key ?? node.source, node: assign(entry?.node ?? emptyTree(node.source), rest, node) })
  return { kind: 'map', source: tree.source, entries }
}

export interface Located {
  readonly node: Node | undefined
  /** The position of the node; for an absent node, of the closest map around the path. */
  readonly source: Source
  readonly key: Source
}

export function locate(root: Node, path: Path): Located {
  let found: Located = { node: root, source: root.source, key: root.source }
  for (const part of path) {
    const { node } = found
    const entry = node?.kind === 'map' ? node.entries.get(String(part)) : undefined
    const next = entry?.node ?? (node?.kind === 'list' ? node.items[Number(part)] : undefined)
    if (next === undefined) return { node: undefined, source: found.key, key: found.key }
    found = { node: next, source: next.source, key: entry?.key ?? next.source }
  }
  return found
}

/** @returns the value of the scalar at a path; undefined where no scalar is set */
export function valueAt(root: Node, path: Path): unknown {
  const { node } = locate(root, path)
  return node?.kind === 'scalar' ? node.value : undefined
}

/** @returns a map with those of its entries whose key is kept; a node of another kind unchanged */
export const filterKeys = (node: Node, keeps: (key: string) => boolean): Node =>
  node.kind === 'map' ? { ...node, entries: new Map([...node.entries].filter(([key]) => keeps(key))) } : node
