/** The part of the surface that only the source says, read by the TypeScript compiler. */
import { join, relative } from 'node:path'
import {
  type CallExpression,
  type Expression,
  isArrayLiteralExpression,
  isCallExpression,
  isIdentifier,
  isObjectLiteralExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isShorthandPropertyAssignment,
  isStringLiteral,
  isTemplateExpression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { API, type Checker, SymbolFlags, type Type } from 'typescript/unstable/async'

export interface SourceSurface {
  /** `arkwatch/plugin definePlugin: value`. */
  readonly exports: readonly string[]
  /** `pool: heldMs`: owner and key. */
  readonly logFields: readonly string[]
  /** Types by name. */
  readonly metrics: ReadonlyMap<string, string>
  /** Metrics whose names are made at run time, as patterns with their place. */
  readonly madeMetrics: readonly { readonly pattern: RegExp; readonly at: string }[]
  readonly dataFiles: readonly string[]
}

const logLevels = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
const metricTypes = new Set(['counter', 'gauge', 'histogram', 'summary'])

function callsOf(file: SourceFile): CallExpression[] {
  const calls: CallExpression[] = []
  const visit = (node: Node): void => {
    if (isCallExpression(node)) calls.push(node)
    node.forEachChild(visit)
  }
  file.forEachChild(visit)
  return calls
}

/** The members of a union, or the type. */
const membersOf = async (type: Type): Promise<readonly Type[]> => (type.isUnionType() ? await type.getTypes() : [type])

async function keysOf(checker: Checker, type: Type): Promise<string[]> {
  const members = (await membersOf(type)).filter((each) => each.isObjectType() || each.isIntersectionType())
  const properties = await Promise.all(members.map((each) => checker.getPropertiesOfType(each)))
  return properties.flat().map(({ name }) => name)
}

/** The value of an expression where its type, or the calls of the function around it, tell; else undefined. */
async function stringsOf(
  checker: Checker,
  value: Node,
  calls: readonly CallExpression[],
): Promise<string[] | undefined> {
  if (isTemplateExpression(value)) {
    let heads = [value.head.text]
    for (const { expression, literal } of value.templateSpans) {
      const parts = await stringsOf(checker, expression, calls)
      if (parts === undefined) return undefined
      heads = heads.flatMap((head) => parts.map((part) => `${head}${part}${literal.text}`))
    }
    return heads
  }
  if (isStringLiteral(value)) return [value.text]
  const type = await checker.getTypeAtLocation(value)
  const members = type === undefined ? [] : await membersOf(type)
  if (members.length > 0 && members.every((each) => each.isStringLiteralType() || each.isNumberLiteralType()))
    return members.map((each) => String((each as unknown as { value: unknown }).value))
  if (!isIdentifier(value)) return undefined
  // A parameter: what the callers of its function in this file give.
  let around: Node | undefined = value.parent
  while (around !== undefined) {
    const { parameters, name } = around as { parameters?: readonly Node[]; name?: Node }
    const at = (parameters ?? []).findIndex((each) => (each as { name?: { text?: string } }).name?.text === value.text)
    const called = (name ?? (around.parent as { name?: Node } | undefined)?.name) as { text?: string } | undefined
    const mapped = at === 0 ? around.parent : undefined
    if (mapped !== undefined && isCallExpression(mapped) && isPropertyAccessExpression(mapped.expression)) {
      const { expression: list } = mapped.expression
      if (mapped.expression.name.text !== 'map' || !isArrayLiteralExpression(list)) return undefined
      return list.elements.map((each) => (each as unknown as { text: string }).text)
    }
    if (at >= 0 && called?.text !== undefined) {
      const given = calls.filter(({ expression }) => isIdentifier(expression) && expression.text === called.text)
      const found = await Promise.all(given.map((call) => stringsOf(checker, call.arguments[at] as Node, calls)))
      return found.length === 0 || found.includes(undefined) ? undefined : (found as string[][]).flat()
    }
    around = around.parent
  }
  return undefined
}

/** What a name may be, by the fixed parts of its template; nothing for another expression. */
const patternOf = (value: Node): RegExp => {
  if (!isTemplateExpression(value)) return /$^/
  const fixed = [value.head, ...value.templateSpans.map(({ literal }) => literal)]
  return new RegExp(`^${fixed.map(({ text }) => text).join('\\w+')}$`)
}

/** The expression of a property of an object literal. */
function propertyOf(literal: Expression | undefined, wanted: string): Node | undefined {
  if (literal === undefined || !isObjectLiteralExpression(literal)) return undefined
  for (const each of literal.properties) {
    if (isShorthandPropertyAssignment(each) && isIdentifier(each.name) && each.name.text === wanted) return each.name
    if (isPropertyAssignment(each) && isIdentifier(each.name) && each.name.text === wanted) return each.initializer
  }
  return undefined
}

/** @param owner `core` or a plugin's name, of a path from the root */
export async function readSource(
  root: string,
  entries: Readonly<Record<string, string>>,
  owner: (file: string) => string,
): Promise<SourceSurface> {
  const api = new API({ cwd: root })
  try {
    const snapshot = await api.updateSnapshot({ openProjects: [join(import.meta.dir, 'tsconfig.json')] })
    const project = snapshot.getProjects()[0]
    if (project === undefined) throw new Error('the compiler has no project')
    const { checker, program } = project

    const exports: string[] = []
    for (const [entry, path] of Object.entries(entries)) {
      const file = await program.getSourceFile(join(root, path))
      const module = file && (await checker.getSymbolAtLocation(file))
      if (module === undefined) throw new Error(`${path} is not a module`)
      const loaded = (await import(join(root, path))) as object
      for (const symbol of await checker.getExportsOfModule(module)) {
        const { flags } = symbol.flags & SymbolFlags.Alias ? await checker.getAliasedSymbol(symbol) : symbol
        const kinds = [symbol.name in loaded && 'value', flags & SymbolFlags.Type && 'type'].filter(Boolean)
        exports.push(`${entry} ${symbol.name}: ${kinds.join(' and ')}`)
      }
    }

    const logFields: string[] = []
    const metrics = new Map<string, string>()
    const madeMetrics: { pattern: RegExp; at: string }[] = []
    const dataFiles: string[] = []
    const interesting = /\.(trace|debug|info|warn|error|fatal)\(|\b(counter|gauge|histogram|summary)\b[(<]|\bjoin\(/
    const readFile = async (path: string) => {
      if (!interesting.test(await Bun.file(path).text())) return
      const file = await program.getSourceFile(path)
      if (file === undefined) return
      const calls = callsOf(file)
      const at = relative(root, path)
      for (const { expression, arguments: given } of calls) {
        const [first, second] = given
        const method = isPropertyAccessExpression(expression) ? expression.name.text : undefined
        const called = isIdentifier(expression) ? expression.text : undefined
        const receiver = async () => {
          const type = await checker.getTypeAtLocation((expression as unknown as { expression: Node }).expression)
          return type === undefined ? '' : checker.typeToString(type)
        }
        if (method !== undefined && logLevels.has(method) && second !== undefined && (await receiver()) === 'Logger') {
          const type = await checker.getTypeAtLocation(second)
          if (type !== undefined) for (const key of await keysOf(checker, type)) logFields.push(`${owner(at)}: ${key}`)
        }
        if (method !== undefined && metricTypes.has(method)) {
          const name = propertyOf(first, 'name')
          if (name === undefined || !/^(MetricFactory|BatchObservation)$/.test(await receiver())) continue
          const names = await stringsOf(checker, name, calls)
          for (const each of names ?? []) metrics.set(each, method)
          if (names === undefined) madeMetrics.push({ pattern: patternOf(name), at })
        }
        if (called !== undefined && metricTypes.has(called) && first?.kind === SyntaxKind.StringLiteral) {
          const { text } = first as unknown as { text: string }
          if (/^(arkwatch|arkrelay)_/.test(text)) metrics.set(text, called)
        }
        if (called === 'join' && given.length === 2 && /(dir|folder)\b/i.test((first as Node).getText(file))) {
          if (isStringLiteral(second as Node)) dataFiles.push((second as unknown as { text: string }).text)
        }
      }
    }
    const files = [...new Bun.Glob('{core,plugins}/**/*.ts').scanSync({ cwd: root })].sort()
    await Promise.all(files.map((file) => readFile(join(root, file))))
    return { exports, logFields, metrics, madeMetrics, dataFiles }
  } finally {
    await api.close()
  }
}
