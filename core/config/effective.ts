/** The effective values for people: as written, defaults filled in, secrets hidden, each with its source. */
import { relative } from 'node:path'
import { z } from 'zod'
import type { $ZodType } from 'zod/v4/core'
import { jsonPointer } from '../contract/config-problem.ts'
import { redacted, redactText } from '../contract/redact/redactor.ts'
import { type KeyKind, keyKind, nameOfValue } from '../contract/redact/secret-keys.ts'
import type { NamedPlugin } from './plugins.ts'
import { RootConfig, reserved, reservedKeys } from './schema/root-config.ts'
import { below, defaultOf, isSecret, keysOf } from './schema/schema-walk.ts'
import { filterKeys, locate, type Node, type Path, toPlain } from './tree/node.ts'
import type { Described, Source } from './types.ts'

/** @returns the text for operators: `config.yaml:3:5`, `preset production`; a text is returned unchanged */
export function describeSource(source: Source | string | undefined, cwd: string): string {
  if (typeof source !== 'object') return source ?? 'default'
  if (source.kind === 'preset') return `preset ${source.environment}`
  if (source.kind === 'environment') return `environment ${source.variable}`
  if (!('file' in source)) return source.kind
  const near = relative(cwd, source.file)
  return `${near.startsWith('..') ? source.file : near}:${source.line}:${source.column}`
}

/** Whether a value is secret by the name of its key. */
const isNamedSecret = (kind: KeyKind, value: unknown): boolean =>
  kind !== 'open' && value !== '' && (typeof value === 'string' || (kind === 'secret' && typeof value === 'number'))

/**
 * Steps through the tree, a step for each value, so that a large tree can be described in turns.
 * @param schemas the schemas of the node; without schemas the value is shown unchanged
 * @param sources filled with the source of each leaf
 * @param hidden whether the name of a key above says that the texts and numbers here are secret
 */
function* effective(
  schemas: readonly $ZodType[],
  given: Node | undefined,
  path: Path,
  sources: Map<string, Source>,
  hidden: KeyKind = 'open',
): Generator<void, unknown> {
  yield
  const node = given ?? schemas.map(defaultOf).find((each) => each !== undefined)
  if (node === undefined) return undefined
  const leaf = (value: unknown) => {
    sources.set(jsonPointer(path), node.source)
    return value
  }
  if (isSecret(schemas))
    return leaf(node.kind === 'scalar' && (node.value === '' || node.value === null) ? node.value : redacted)
  if (node.kind === 'scalar' && (node.hidden || isNamedSecret(hidden, node.value))) return leaf(redacted)
  if (node.kind === 'scalar') return leaf(typeof node.value === 'string' ? redactText(node.value) : node.value)
  const value = toPlain(node)
  if (node.kind === 'list') {
    if (node.items.length === 0) return leaf([])
    const items: unknown[] = []
    for (const [index, item] of node.items.entries())
      items.push(yield* effective(below(schemas, index, value), item, [...path, index], sources, hidden))
    return items
  }
  const known = keysOf(schemas, value)
  const entries: [string, unknown][] = []
  for (const key of new Set([...node.entries.keys(), ...known])) {
    const given = node.entries.get(key)?.node
    const kind = keyKind(nameOfValue(key, value as object))
    // A field of the schema has a name of its own; the keys of a map are like the items of a list.
    const inner = kind === 'open' && !known.includes(key) ? hidden : kind
    const shown = yield* effective(below(schemas, key, value), given, [...path, key], sources, inner)
    if (shown !== undefined) entries.push([key, shown])
  }
  return entries.length === 0 ? leaf({}) : Object.fromEntries(entries)
}

/** The whole configuration, described in turns. */
export function* describeConfig(root: Node, plugins: readonly NamedPlugin[]): Generator<void, Described> {
  const sources = new Map<string, Source>()
  const own = filterKeys(root, (key) => key !== 'plugins')
  const shown = (yield* effective([RootConfig.omit({ plugins: true })], own, [], sources)) as object
  const sections: Record<string, unknown> = {}
  for (const { name, definition, enabled, from } of plugins) {
    const { node } = locate(root, ['plugins', name])
    const isKnown = enabled || from === undefined
    const visible = isKnown || node === undefined ? node : filterKeys(node, (key) => reservedKeys.includes(key))
    const schemas = [z.object(reserved), ...(isKnown ? [definition.config] : [])]
    sections[name] = yield* effective(schemas, visible, ['plugins', name], sources)
  }
  return { effective: { ...shown, plugins: sections }, sources }
}
