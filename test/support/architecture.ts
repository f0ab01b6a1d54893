/** PURE. The rules about files and imports, over sources given as text. */
import { behindDoor, importsOf, resolve, type SourceFile, withoutComments } from './imports.ts'
import { isDoor, type RoomRule, roomViolations } from './rooms.ts'

export type { SourceFile } from './imports.ts'

export interface Violation {
  readonly rule: Rule
  readonly path: string
  /** What is wrong, for the reader of a failed test. */
  readonly what: string
}

export type Rule =
  | RoomRule
  | 'core-imports-outward'
  | 'plugin-imports-internals'
  | 'pure-does-io'
  | 'thread-imports-zod'
  | 'optional-package-imported-early'
  | 'raw-time'
  | 'process-exit'
  | 'too-long'
  | 'wide-comment'
  | 'name'

/** A path, or a prefix that ends in `/`, and why the rule does not hold there. */
export type Exceptions = Readonly<Record<string, string>>

export interface ArchitectureOptions {
  /** Where raw time may be used. */
  readonly rawTime: Exceptions
  /** Packages that may be absent: imported dynamically only. */
  readonly optionalPackages: readonly string[]
}

const maxLines = 250
const maxManifestLines = 80
/** Tables of cases are long without being many ideas. */
const maxTestLines = 400
const maxCommentWidth = 120

/** The comment with which the file begins, after a hash-bang. */
const headOf = (text: string): string =>
  /^(?:#!.*\n)?\s*(\/\*[\s\S]*?\*\/|(?:\/\/.*\n)+)/.exec(text)?.[1]?.replace(/\s*\n\s*(\*|\/\/) ?/g, ' ') ?? ''

const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
const pluginOf = (path: string) => /^plugins\/([^/]+)\//.exec(path)?.[1]
const exceptionFor = (exceptions: Exceptions, path: string) =>
  Object.keys(exceptions).find((entry) => path === entry || (entry.endsWith('/') && path.startsWith(entry)))

const ioModules =
  /^(?:node:)?(?:fs|fs\/promises|net|http|https|http2|tls|dgram|dns|dns\/promises|child_process|worker_threads|cluster|process|timers|timers\/promises|readline|inspector|repl)$|^bun(?::|$)/
const ioGlobals =
  /\bBun\.(?:file|write|spawn|spawnSync|serve|listen|connect|udpSocket|sql|SQL|RedisClient|redis|stdin|stdout|stderr|dns|\$|openInEditor|env)\b|\bfetch\(|\bprocess\.\w/
const rawTime =
  /\bDate\.now\b|\bperformance\.now\b|(?:(?<!\.)|(?<=globalThis\.))\bset(?:Timeout|Interval)\b|\bnew Date\(\)|\bBun\.(?:sleep|sleepSync|nanoseconds)\b|\bprocess\.hrtime\b|\bAtomics\.wait\b/

/** What runs, without comments and plain strings. */
const codeOf = ({ text }: SourceFile): string =>
  withoutComments(text).replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")

/** @returns every breach of a rule, by path */
export function violations(files: readonly SourceFile[], options: ArchitectureOptions): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]))
  const found: Violation[] = []
  const threads = new Set(
    files.flatMap(({ path }) =>
      path.startsWith('test/') ? [] : imports.get(path)!.addresses.map((to) => resolve(path, to)),
    ),
  )
  const report = (rule: Rule, path: string, what: string) => found.push({ rule, path, what })

  /** The way along value imports from a file to what is searched, or undefined; `lookBehind` passes a door only to what is taken from it. */
  function wayTo(
    start: string,
    wanted: (specifier: string, path: string) => boolean,
    lookBehind = false,
  ): readonly string[] | undefined {
    const seen = new Set([start])
    const queue: (readonly string[])[] = [[start]]
    for (let way = queue.shift(); way !== undefined; way = queue.shift()) {
      for (const specifier of imports.get(way.at(-1)!)?.values ?? []) {
        const next = resolve(way.at(-1)!, specifier)
        if (wanted(specifier, next)) return [...way, next]
        if (isDoor(next) && byPath.has(next) && lookBehind) {
          const behind = behindDoor(byPath.get(way.at(-1)!)!, specifier, byPath.get(next)!)
          for (const inner of behind) queue.push([...way, resolve(next, inner)])
          continue
        }
        if (seen.has(next) || !byPath.has(next)) continue
        seen.add(next)
        queue.push([...way, next])
      }
    }
    return undefined
  }

  for (const file of files) {
    const { path, text } = file
    const { all, staticValues } = imports.get(path)!
    const own = pluginOf(path)
    for (const specifier of all) {
      const target = resolve(path, specifier)
      if (path.startsWith('core/') && /^(plugins|cli|scripts|test|testing|examples)\/|^index\.ts$/.test(target)) {
        report('core-imports-outward', path, `imports ${target}`)
      }
      if (own === undefined) continue
      const other = pluginOf(target)
      if (other !== undefined && other !== own && target !== `plugins/${other}/api.ts`) {
        report('plugin-imports-internals', path, `imports ${target}, only plugins/${other}/api.ts is open to others`)
      }
      if (/^(cli|scripts|test|testing|examples)\/|^index\.ts$/.test(target)) {
        report('plugin-imports-internals', path, `imports ${target}`)
      }
    }
    if (/^(core|plugins)\//.test(path)) {
      for (const specifier of staticValues) {
        if (options.optionalPackages.includes(packageOf(specifier))) {
          report('optional-package-imported-early', path, `imports ${specifier}: use import() inside start`)
        }
      }
    }
    if (/\bPURE\b/.test(headOf(text))) {
      const way = wayTo(path, (specifier) => ioModules.test(specifier), true)
      if (way) report('pure-does-io', path, `reaches ${way.slice(1).join(' -> ')}`)
      const use = ioGlobals.exec(codeOf(file))?.[0]
      if (use) report('pure-does-io', path, `uses ${use}`)
    }
    if (threads.has(path) && !path.startsWith('test/')) {
      const way = wayTo(path, (specifier) => packageOf(specifier) === 'zod')
      if (way) report('thread-imports-zod', path, `reaches ${way.slice(1).join(' -> ')}`)
    }
    if (!path.startsWith('test/') && exceptionFor(options.rawTime, path) === undefined) {
      const use =
        rawTime.exec(codeOf(file))?.[0] ?? all.find((specifier) => /^(node:)?timers(\/promises)?$/.test(specifier))
      if (use) report('raw-time', path, `uses ${use}: take it from the clock`)
    }
    const mayExit = path === 'core/main.ts' || /^(cli|scripts|test|examples)\//.test(path)
    if (!mayExit && /\bprocess\.(?:exit|abort|reallyExit)\b/.test(codeOf(file))) {
      report('process-exit', path, 'ends the process: only core/main.ts does')
    }
    const lines = text.trimEnd().split('\n').length
    const manifest = /^plugins\/[^/]+\/index\.ts$/.test(path)
    if (manifest && lines > maxManifestLines)
      report('too-long', path, `${lines} lines, a manifest has ${maxManifestLines}`)
    else if (lines > (path.startsWith('test/') ? maxTestLines : maxLines) && !/\b250 lines\b/.test(headOf(text))) {
      report('too-long', path, `${lines} lines; split it, or begin with a comment "Over 250 lines because …"`)
    }
    if (/^(core|plugins|cli|testing)\//.test(path)) {
      const wide = text
        .split('\n')
        .findIndex((line) => line.length > maxCommentWidth && /^\s*(\/\/|\/\*|\* )/.test(line))
      if (wide >= 0) report('wide-comment', path, `line ${wide + 1} is wider than ${maxCommentWidth} characters`)
    }
    const name = path.split('/').at(-1)!
    if (/^(utils?|helpers?)\.|\d\.tsx?$|^manager\./.test(name))
      report('name', path, `${name} does not say what is inside`)
    else if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.tsx?$/.test(name))
      report('name', path, `${name} is not kebab-case`)
  }
  return [...found, ...roomViolations(files, imports)]
}

/** @returns exceptions that no file needs any more */
export const unusedExceptions = (files: readonly SourceFile[], exceptions: Exceptions): string[] =>
  Object.keys(exceptions).filter(
    (entry) => !files.some((file) => exceptionFor({ [entry]: '' }, file.path) && rawTime.test(codeOf(file))),
  )
