/** The issues of zod as configuration errors, with position, the value seen and the probable intent. */
import type { $ZodIssue, $ZodType } from 'zod/v4/core'
import { didYouMean } from '../../contract/closest.ts'
import type { ConfigProblem } from '../../contract/config-problem.ts'
import { redacted, redactText, show } from '../../contract/redact/redactor.ts'
import { isSecretKey, nameOfValue } from '../../contract/redact/secret-keys.ts'
import { parseDuration } from '../../contract/units.ts'
import { problem } from '../errors.ts'
import { type Located, locate, type Node, type Path, type Scalar, showKey } from '../tree/node.ts'
import { withoutQuotes } from './quoted-secrets.ts'
import { below, exampleOf, isSecret, keysOf } from './schema-walk.ts'

/** A schema applied to the part of the whole tree at `path`. */
export interface Checked {
  readonly root: Node
  readonly path: Path
  readonly schema: $ZodType
  /** What the schema parsed. */
  readonly value: unknown
  /** Keys that were removed before the schema parsed the value, for "did you mean". */
  readonly reserved?: readonly string[]
  /** Parts of the tree could not be read: a missing value may be in those parts. */
  readonly partial?: boolean
}

/** Replaces an issue of a union by the issues of the closest option. */
function flatten(issue: $ZodIssue): readonly $ZodIssue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
  const within = issue.errors.filter((errors) =>
    errors.some((each) => each.path.length > 0 || each.code !== 'invalid_type'),
  )
  const [nearest] = within.toSorted((a, b) => a.length - b.length)
  if (nearest === undefined) {
    const expected = new Set(issue.errors.flat().map((each) => (each as { expected?: string }).expected))
    return [{ ...issue, code: 'invalid_type', expected: [...expected].join(' or ') } as never]
  }
  return nearest.flatMap((each) => flatten({ ...each, path: [...issue.path, ...each.path] }))
}

const pathOf = (issue: $ZodIssue, prefix: Path): Path => [...prefix, ...(issue.path as Path)]

interface Parsed {
  readonly schemas: readonly $ZodType[]
  readonly value: unknown
  /** Whether the name of a key on the way says that the value is secret. */
  readonly isNamedSecret: boolean
}

/** What was parsed at a path, and the schemas that may apply there. */
function parsedAt({ path, schema, value }: Checked, target: Path): Parsed {
  let found: Parsed = { schemas: [schema], value, isNamedSecret: false }
  for (const part of target.slice(path.length)) {
    const { schemas, value, isNamedSecret } = found
    const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, part)
    found = {
      schemas: below(schemas, part, value),
      value: isThere ? value[part as keyof typeof value] : undefined,
      isNamedSecret: isNamedSecret || isSecretKey(nameOfValue(String(part), value as object)),
    }
  }
  return found
}

const whats: Record<string, string> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  string: 'text',
  int: 'a whole number',
}
const named = (expected: string): string =>
  expected
    .split(' or ')
    .map((each) => whats[each] ?? `a ${each}`)
    .join(' or ')

function expectation(issue: $ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${named(issue.expected)}`
  if (issue.code === 'invalid_value') return `expected ${issue.values.map((each) => JSON.stringify(each)).join(', ')}`
  if (issue.code === 'invalid_union') {
    const { options = [] } = issue as { options?: readonly unknown[] }
    return options.length > 0 ? `expected ${options.map((each) => JSON.stringify(each)).join(', ')}` : issue.message
  }
  if (issue.code === 'invalid_key') return issue.issues.map(expectation).join(', ')
  return issue.message.replace(/^(Too (small|big)|Invalid (input|string|number)): /, '')
}

function hint(issue: $ZodIssue, schemas: readonly $ZodType[], node: Node | undefined): string | undefined {
  const value = node?.kind === 'scalar' ? node.value : undefined
  const { values, options } = issue as { values?: readonly unknown[]; options?: readonly unknown[] }
  if (typeof value === 'string' && (values ?? options) !== undefined)
    return didYouMean(value, (values ?? options)!.map(String))
  if (issue.code !== 'invalid_type' || node?.kind !== 'scalar') return undefined
  if (issue.expected === 'string' && typeof value === 'number') {
    const example = exampleOf(schemas)
    return example === undefined ? 'put it in quotes' : `write it with a unit, such as ${example}`
  }
  if (node.hidden) return undefined
  if (issue.expected === 'boolean' && /^(yes|no|on|off)$/i.test(String(value))) return 'write true or false'
  const looks = typeof value === 'string' && /^(\d+(\.\d+)?|true|false)$/.test(value)
  return looks ? 'write it without quotes' : undefined
}

/** The text that shows a value; a secret is not shown. */
function seen(issue: $ZodIssue, { node }: Located, secret: boolean): string {
  if (node === undefined) return 'nothing is set'
  if (node.kind !== 'scalar') return `got a ${node.kind}`
  // In place of a map, wrong indentation may have put any value.
  const structural = issue.code === 'invalid_type' && /object|record|array/.test(issue.expected)
  if (structural && node.value !== null) return `got ${named(typeof node.value)}`
  return `got ${secret && node.value !== null ? redacted : show(node.value)}`
}

const unavailable: ReadonlyMap<string, string> = new Map([
  ['<<', 'There are no merge keys: write the settings here.'],
  ['include', 'Only a file of the configuration includes others, at its top level: write the settings here.'],
])

function* toProblems(issue: $ZodIssue, checked: Checked): Generator<ConfigProblem, void> {
  const path = pathOf(issue, checked.path)
  const at = locate(checked.root, path)
  if (at.node === undefined ? checked.partial : at.node.kind === 'scalar' && at.node.broken) return
  const { schemas, value, isNamedSecret } = parsedAt(checked, path)
  if (issue.code === 'unrecognized_keys') {
    const own = keysOf(schemas, value)
    const known = [...own, ...(path.length === checked.path.length ? (checked.reserved ?? []) : [])]
    for (const key of issue.keys) {
      const where = [...path, key]
      const details = { key: showKey(key), known: known.filter((each) => each !== key).join(', ') || 'none' }
      const help = unavailable.get(key) ?? didYouMean(key, known)
      yield problem('CONFIG_UNKNOWN_KEY', details, where, locate(checked.root, where).key, help)
    }
    return
  }
  let what = expectation(issue)
  // In a file that is not valid YAML, a text may be the value of a field that it was not written for.
  const hidden = at.node?.kind === 'scalar' && at.node.hidden === true
  const secret = hidden || isNamedSecret || isSecret(schemas, true) || checked.partial === true
  if (typeof value === 'string' && value !== '') {
    const shown = secret ? redacted : redactText(value)
    // A schema's own message may quote the value.
    for (const quoted of [value, JSON.stringify(value).slice(1, -1)]) what = what.replaceAll(quoted, shown)
  }
  // It may quote a secret below the value, or beside it.
  what = withoutQuotes(what, checked.schema, locate(checked.root, checked.path).node)
  if (!what.includes('got ') && issue.code !== 'invalid_key') what += `, ${seen(issue, at, secret)}`
  const source = issue.code === 'invalid_key' ? at.key : at.source
  yield problem('CONFIG_VALUE', { what }, path, source, hint(issue, schemas, at.node))
}

/** Adds the problems of a schema's issues, one a step; none for a value whose expansion failed. */
export function* addProblems(
  issues: readonly $ZodIssue[],
  checked: Checked,
  problems: ConfigProblem[],
): Generator<void, void> {
  const flat = issues.flatMap(flatten)
  // For a value of the wrong type zod also reports that the value is too short.
  const wrongType = new Set(flat.filter(({ code }) => code === 'invalid_type').map(({ path }) => path.join('/')))
  for (const issue of flat) {
    if (issue.code !== 'invalid_type' && wrongType.has(issue.path.join('/'))) continue
    for (const each of toProblems(issue, checked)) {
      problems.push(each)
      yield
    }
  }
}

/** @returns scalars and their texts, for text fields: expansions that gave a number or nothing, the 0 of a duration */
export function wronglyTyped(
  issues: readonly $ZodIssue[],
  checked: Checked,
): readonly { readonly scalar: Scalar; readonly text: string }[] {
  const { root, path } = checked
  return issues.flatMap(flatten).flatMap((issue) => {
    if (issue.code !== 'invalid_type' || !issue.expected.split(' or ').includes('string')) return []
    const at = pathOf(issue, path)
    const { node } = locate(root, at)
    if (node?.kind !== 'scalar') return []
    if (node.text !== undefined && node.value !== node.text) return [{ scalar: node, text: node.text }]
    const isDuration = () => parseDuration(String(exampleOf(parsedAt(checked, at).schemas))) !== undefined
    return node.value === 0 && isDuration() ? [{ scalar: node, text: '0' }] : []
  })
}
