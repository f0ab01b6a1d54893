/** Checks answers against the OpenAPI document: their status, their media type, and their body against the schema. */
import Ajv, { type ValidateFunction } from 'ajv/dist/2020'
import addFormats from 'ajv-formats'
import type { Document } from '../../../plugins/admin/http/document.ts'

type Json = Record<string, unknown>
const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Names of the schemas that others are made of by `allOf`; those must stay open. */
const extended = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(extended)
  if (!isMap(value)) return []
  const own = Array.isArray(value.allOf) ? value.allOf.map((each) => (each as Json).$ref) : []
  return [...own.filter((ref): ref is string => typeof ref === 'string'), ...Object.values(value).flatMap(extended)]
}

/** The schema with no room for properties that it does not name. */
function closed(value: unknown, open: ReadonlySet<string>, at = '#', inAllOf = false): unknown {
  if (Array.isArray(value)) return value.map((each, index) => closed(each, open, `${at}/${index}`, inAllOf))
  if (!isMap(value)) return value
  const entries = Object.entries(value).map(([key, each]) => [key, closed(each, open, `${at}/${key}`, key === 'allOf')])
  const isShape = value.type === 'object' && isMap(value.properties) && value.additionalProperties === undefined
  const close = (isShape || value.allOf !== undefined) && !inAllOf && !open.has(at)
  return { ...Object.fromEntries(entries), ...(close && { unevaluatedProperties: false }) }
}

interface Declared {
  readonly method: string
  readonly path: string
  readonly pattern: RegExp
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}

export interface Answer {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly status: number
  readonly type: string
  readonly text: string
}

const part = (text: string) => text.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll(/[{}]/g, encodeURIComponent)

export class Contract {
  /** `GET /admin/plugins 200` of the answers that were checked, bodies included. */
  readonly seen = new Set<string>()
  readonly #ajv = new Ajv({ strict: false, allErrors: true })
  readonly #validators = new Map<string, ValidateFunction>()
  readonly #operations: readonly Declared[]

  constructor(readonly document: Document) {
    addFormats(this.#ajv)
    this.#ajv.addSchema(closed(document, new Set(extended(document))) as Json, 'api')
    this.#operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => ({
        method: method.toUpperCase(),
        path,
        pattern: new RegExp(`^${path.replaceAll(/[.]/g, '\\$&').replaceAll(/{\w+}/g, '[^/]+')}$`),
        responses: responses as Declared['responses'],
      })),
    )
  }

  find(method: string, path: string): Declared | undefined {
    const found = this.#operations.filter((each) => each.method === method && each.pattern.test(path))
    return found.find((each) => each.path === path) ?? found[0]
  }

  #validator({ method, path }: Declared, status: string, type: string): ValidateFunction {
    const places = ['paths', path, method.toLowerCase(), 'responses', status, 'content', type, 'schema']
    const ref = `api#/${places.map(part).join('/')}`
    const known = this.#validators.get(ref) ?? this.#ajv.compile({ $ref: ref })
    this.#validators.set(ref, known)
    return known
  }

  /** @returns what of an answer the document does not say */
  problemOf({ method, path, status, type, text }: Answer): string | undefined {
    const declared = this.find(method, path)
    if (declared === undefined) return undefined
    const name = `${method} ${declared.path} ${status}`
    // Of the listener, for every path alike, as the description of the document says.
    if (status === 414 || status === 431) return undefined
    const response = declared.responses[String(status)]
    if (response === undefined) return `${name}: the document does not name this status`
    const { content } = response
    // The listener itself refuses what is larger than it takes, and says no more.
    if (status === 413 && text === '') return this.#note(name)
    if (content === undefined) return text === '' ? this.#note(name) : `${name}: the document names no body`
    const media = type.split(';')[0]!.trim()
    if (content[media] === undefined)
      return `${name}: the document does not name ${media || 'an answer without a type'}`
    if (!media.endsWith('json')) return this.#note(name)
    const validate = this.#validator(declared, String(status), media)
    if (validate(JSON.parse(text))) return this.#note(name)
    const first = validate
      .errors!.slice(0, 3)
      .map((each) => `${each.instancePath} ${each.message} ${JSON.stringify(each.params)}`)
    return `${name}: ${first.join('; ')}`
  }

  #note(name: string): undefined {
    this.seen.add(name)
  }
}
