/**
 * PURE. The imports of source files given as text.
 *
 * Imports are found by Bun's parser. It drops what only brings types, so that a second reading with `type` struck out
 * finds those too.
 */

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string
  readonly text: string
}

const parserFor = (path: string) =>
  new Bun.Transpiler({
    loader: path.endsWith('x') ? 'tsx' : 'ts',
    tsconfig: JSON.stringify({ compilerOptions: { verbatimModuleSyntax: true } }),
  })

/** Strikes `type` out of imports and re-exports. */
const withoutTypeModifier = (text: string): string =>
  text.replace(/^(?:import|export)\b[^'"`;=()]*?\bfrom\b/gm, (head) =>
    head.replace(/(?<=[\s{,])type\s+(?=[\w$*{])/g, ''),
  )

export interface Imports {
  /** What runs with the file: static imports and those inside functions. */
  readonly all: readonly string[]
  readonly values: readonly string[]
  readonly staticValues: readonly string[]
  /** Files whose address is taken: threads and tasks. */
  readonly addresses: readonly string[]
}

export function importsOf({ path, text: whole }: SourceFile): Imports {
  const parser = parserFor(path)
  const text = whole.replace(/^#!.*/, '')
  const scan = (source: string) => {
    try {
      return parser.scanImports(source)
    } catch (cause) {
      throw new Error(`cannot parse ${path}`, { cause })
    }
  }
  const found = scan(text)
  const typed = scan(withoutTypeModifier(text)).map((entry) => entry.path)
  const code = withoutComments(text)
  const named = (pattern: RegExp) => [...code.matchAll(pattern)].map((match) => match[1]!)
  const addresses = named(/\bnew URL\(\s*'(\.[^']+)'/g)
  const inline = named(/\bimport\(\s*'([^']+)'\s*\)/g)
  const values = found.map((entry) => entry.path)
  return {
    values,
    staticValues: found.filter((entry) => entry.kind === 'import-statement').map((entry) => entry.path),
    all: [...new Set([...values, ...typed, ...addresses, ...inline])],
    addresses,
  }
}

/** Comments that begin a line or follow a blank; enough to keep prose out of the patterns below. */
export const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')

/** The file that an import names, or the package. */
export function resolve(from: string, specifier: string): string {
  if (specifier === 'arkwatch/plugin') return 'core/plugin.ts'
  if (!specifier.startsWith('.')) return specifier
  return new URL(specifier, `file:///${from}`).pathname.slice(1)
}

const namesOf = (list: string): string[] =>
  list
    .split(',')
    .map((name) => name.trim().split(' as ')[0]!)
    .filter((name) => name !== '' && !name.startsWith('type '))

const from = (specifier: string) => specifier.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * The modules behind a file that only passes on what others export, as far as one importer uses them.
 * @returns specifiers as the door names them
 */
export function behindDoor(importer: SourceFile, specifier: string, door: SourceFile): string[] {
  const statement = new RegExp(`^(?:import|export) \\{([^}]*)\\} from '${from(specifier)}'`, 'gm')
  const wanted = [...importer.text.matchAll(statement)].flatMap((match) => namesOf(match[1]!))
  const named = [...door.text.matchAll(/^export \{([^}]*)\} from '([^']+)'/gm)]
    .filter((match) => namesOf(match[1]!).some((name) => wanted.includes(name)))
    .map((match) => match[2]!)
  return [...named, ...[...door.text.matchAll(/^export \* from '([^']+)'/gm)].map((match) => match[1]!)]
}
