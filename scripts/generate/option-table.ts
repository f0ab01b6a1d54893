/** The options of a zod schema as a Markdown table. Pure. */

import { z } from 'zod'
import type { $ZodType, $ZodTypes } from 'zod/v4/core'

interface Row {
  readonly key: string
  readonly type: string
  readonly default: string
  readonly description: string
}

const defOf = (schema: $ZodType) => (schema as $ZodTypes)._zod.def
const metaOf = (schema: $ZodType): Record<string, unknown> => z.globalRegistry.get(schema) ?? {}

/** What wraps a schema on its input side, peeled off. */
interface Peeled {
  readonly schema: $ZodType
  readonly optional: boolean
  readonly defaultValue?: unknown
  readonly description?: string
}

function peel(schema: $ZodType): Peeled {
  const def = defOf(schema)
  const description = metaOf(schema).description as string | undefined
  const own = description === undefined ? {} : { description }
  switch (def.type) {
    case 'optional':
      return { ...peel(def.innerType), ...own, optional: true }
    case 'default':
    case 'prefault':
      return { ...peel(def.innerType), ...own, optional: true, defaultValue: def.defaultValue }
    case 'nullable':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return { ...peel(def.innerType), ...own }
    case 'lazy':
      return { ...peel(def.getter()), ...own }
    case 'pipe':
      return { ...peel(def.in), ...own }
    default:
      return { schema, optional: false, ...own }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const code = (value: unknown) => `\`${typeof value === 'string' && value !== '' ? value : JSON.stringify(value)}\``

const kindText = 'What it is; chooses among the options of this section.'

interface Bounds {
  readonly minimum?: number
  readonly maximum?: number
}

function numberType({ minimum, maximum }: Bounds): string {
  const low = minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? undefined : minimum
  const high = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum
  if (low !== undefined && high !== undefined) return ` ${low} to ${high}`
  if (low !== undefined) return ` from ${low}`
  return high === undefined ? '' : ` up to ${high}`
}

function stringType(schema: $ZodType): string {
  const { writeOnly, examples } = metaOf(schema)
  if (writeOnly === true) return 'secret'
  if (Array.isArray(examples) && examples[0] === '15s') return 'duration'
  if (Array.isArray(examples) && examples[0] === '64MiB') return 'size'
  return 'text'
}

/** A type as a reader of config.yaml thinks of it. */
function typeName(schema: $ZodType): string {
  const { schema: bare } = peel(schema)
  const def = defOf(bare)
  switch (def.type) {
    case 'string':
      return stringType(bare)
    case 'number': {
      const { type, ...bounds } = z.toJSONSchema(bare as z.ZodType, { unrepresentable: 'any' }) as Bounds & {
        type: string
      }
      return `${type}${numberType(bounds)}`
    }
    case 'boolean':
      return 'true, false'
    case 'enum':
      return Object.values(def.entries).map(code).join(', ')
    case 'literal':
      return def.values.map(code).join(', ')
    case 'array':
      return `list of ${typeName(def.element)}`
    case 'record':
      return 'map'
    case 'object':
      return 'section'
    case 'union':
      return [...new Set(def.options.map(typeName))].join(' or ')
    case 'intersection':
      return typeName(def.left)
    default:
      return def.type
  }
}

/** A default that only fills in the defaults of what is below it says nothing. */
const defaultText = ({ defaultValue, optional }: Peeled): string => {
  if (defaultValue !== undefined) {
    const isEmpty = isRecord(defaultValue) && Object.keys(defaultValue).length === 0
    return isEmpty ? '' : code(defaultValue)
  }
  return optional ? '' : 'required'
}

function objectRows(shape: Readonly<Record<string, $ZodType>>, path: string): Row[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const key = path === '' ? name : `${path}.${name}`
    const peeled = peel(schema)
    const below = rowsBelow(peeled.schema, key)
    const row = { key, type: typeName(schema), default: defaultText(peeled), description: peeled.description ?? '' }
    return defOf(peeled.schema).type === 'object' && row.description === '' ? below : [row, ...below]
  })
}

/** The options of a union, joined: what not every option has says which ones do. */
function unionRows(options: readonly $ZodType[], discriminator: string | undefined, path: string): Row[] {
  const found = new Map<string, { row: Row; kinds: string[] }>()
  for (const option of options) {
    const kind = discriminator === undefined ? '' : kindOf(option, discriminator)
    for (const row of rowsBelow(peel(option).schema, path)) {
      const isKind = row.key === `${path}.${discriminator}`
      const id = isKind ? row.key : JSON.stringify(row)
      const entry = found.get(id)
      if (entry === undefined) found.set(id, { row: isKind ? { ...row, description: kindText } : row, kinds: [kind] })
      else {
        entry.kinds.push(kind)
        if (isKind && !entry.row.type.includes(row.type))
          entry.row = { ...entry.row, type: `${entry.row.type}, ${row.type}` }
      }
    }
  }
  const shared = (kinds: readonly string[]) => kinds.length === options.length || kinds.every((kind) => kind === '')
  const rows = [...found.values()]
  return [...rows.filter(({ kinds }) => shared(kinds)), ...rows.filter(({ kinds }) => !shared(kinds))].map(
    ({ row, kinds }) => (shared(kinds) ? row : { ...row, description: `(${kinds.join(', ')}) ${row.description}` }),
  )
}

function kindOf(option: $ZodType, discriminator: string): string {
  const def = defOf(peel(option).schema)
  const kind = def.type === 'object' ? def.shape[discriminator] : undefined
  return kind === undefined ? '' : typeName(kind).replaceAll('`', '')
}

function rowsBelow(schema: $ZodType, path: string): Row[] {
  const def = defOf(schema)
  if (def.type === 'object') return objectRows(def.shape, path)
  if (def.type === 'record') return rowsBelow(peel(def.valueType).schema, `${path}.NAME`)
  if (def.type === 'array') return rowsBelow(peel(def.element).schema, `${path}[]`)
  if (def.type === 'union') return unionRows(def.options, (def as { discriminator?: string }).discriminator, path)
  if (def.type === 'intersection') {
    return [...rowsBelow(peel(def.left).schema, path), ...rowsBelow(peel(def.right).schema, path)]
  }
  return []
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** Defaults of an environment, as `definePlugin({ presets })` takes them. */
export type Presets = Readonly<Record<string, unknown>>

/** @returns the values of a preset by dotted key */
const flat = (preset: unknown, path: string): [key: string, value: unknown][] =>
  isRecord(preset)
    ? Object.entries(preset).flatMap(([name, value]) => flat(value, path === '' ? name : `${path}.${name}`))
    : [[path, preset]]

/** @returns the rows with the presets behind their defaults. @throws where a preset has no row */
function withPresets(rows: readonly Row[], presets: Presets): readonly Row[] {
  const found = new Map(rows.map((row) => [row.key, row]))
  for (const [environment, preset] of Object.entries(presets)) {
    for (const [key, value] of flat(preset, '')) {
      const row = found.get(key)
      if (row === undefined) throw new Error(`the preset ${environment} sets ${key}, which is not an option`)
      if (row.default.split('; ')[0] === code(value)) continue
      found.set(key, { ...row, default: [row.default, `${code(value)} in ${environment}`].filter(Boolean).join('; ') })
    }
  }
  return rows.map(({ key }) => found.get(key)!)
}

/** @returns a table with a line for each option, nested keys dotted, `NAME` for a key that the user chooses */
export function optionTable(schema: $ZodType, presets: Presets = {}): string {
  const rows = rowsBelow(peel(schema).schema, '')
  const lines = (Object.keys(presets).length > 0 ? withPresets(rows, presets) : rows).map(
    (row) => `| \`${row.key}\` | ${[row.type, row.default, row.description].map(cell).join(' | ')} |`,
  )
  return ['| key | type | default | what |', '|---|---|---|---|', ...lines].join('\n')
}
