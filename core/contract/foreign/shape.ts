/** The shape of a foreign object: what each of its fields must be. Pure. */
import { didYouMean } from '../closest.ts'
import { show } from '../redact/redactor.ts'
import { disown, isThenable } from './calls.ts'

const isText = (value: unknown) => typeof value === 'string'
const isFiniteNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !isThenable(value)
const kinds = {
  text: { what: 'a text', fits: isText },
  texts: { what: 'a list of texts', fits: (value) => Array.isArray(value) && value.every(isText) },
  flag: { what: 'true or false', fits: (value) => typeof value === 'boolean' },
  function: { what: 'a function', fits: (value) => typeof value === 'function' },
  object: { what: 'an object', fits: isObject },
  files: { what: "a map of files, or a directory as new URL('./pages/', import.meta.url)", fits: isObject },
  number: { what: 'a finite number', fits: isFiniteNumber },
  period: { what: 'a number of milliseconds above 0', fits: (value) => isFiniteNumber(value) && (value as number) > 0 },
} satisfies Readonly<Record<string, { what: string; fits(value: unknown): boolean }>>

/** What a field must be; with a question mark, the field may be undefined. */
export type Kind = keyof typeof kinds | `${keyof typeof kinds}?`

/** The kind of each field of T, or the kind of T itself. */
export type Shape<T> = T extends (...values: never[]) => unknown ? Kind : { readonly [Field in keyof T]-?: Kind }

/** @returns how a shape, which a program without types may declare, names an unknown kind, or undefined */
export function unknownKind(shape: unknown): string | undefined {
  const isKind = (kind: unknown) => isText(kind) && Object.hasOwn(kinds, (kind as string).replace(/\?$/, ''))
  const fields = isObject(shape) ? Object.entries(shape as object) : [['shape', shape]]
  const unknown = fields.find(([, kind]) => !isKind(kind))
  return unknown && `${unknown[0]} must be one of ${Object.keys(kinds).join(', ')}, got ${show(unknown[1])}`
}

function fieldProblem(kind: Kind, value: unknown, name: string): string | undefined {
  const isOptional = kind.endsWith('?')
  disown(value)
  const { what, fits } = kinds[kind.replace('?', '') as keyof typeof kinds]
  return fits(value) || (isOptional && value === undefined) ? undefined : `${name} must be ${what}, got ${show(value)}`
}

const isPlain = (value: object) => [Object.prototype, null].includes(Object.getPrototypeOf(value))

/**
 * @returns how a value differs from the shape, or undefined. A field that the shape does not name is a difference where
 * its name is a slip of one that the object lacks.
 * @throws what reading the value throws
 */
export function shapeProblem(shape: Kind | Readonly<Record<string, Kind>>, value: unknown): string | undefined {
  if (typeof shape === 'string') return fieldProblem(shape, value, 'the value')
  disown(value)
  if (typeof value !== 'object' || value === null)
    return `expected an object with ${Object.keys(shape).join(', ')}, got ${show(value)}`
  const seen = value as Readonly<Record<string, unknown>>
  const missing = Object.keys(shape).filter((field) => seen[field] === undefined)
  for (const field of isPlain(value) ? Object.keys(value) : []) {
    const advice = field in shape ? undefined : didYouMean(field, missing)
    if (advice !== undefined) return `${show(field)} is unknown: ${advice}`
  }
  for (const [field, kind] of Object.entries(shape)) {
    const problem = fieldProblem(kind, seen[field], field)
    if (problem !== undefined) return problem
  }
  return undefined
}
