/** The codes of configuration errors, and the error that holds every one found. */
import { relative } from 'node:path'
import { type ConfigProblem, jsonPointer } from '../contract/config-problem.ts'
import { ArkwatchError, coreError, defineErrors, type ErrorDetails } from '../contract/errors.ts'
import { type Path, showKey } from './tree/node.ts'
import type { Source } from './types.ts'

export const configError = defineErrors('core', {
  CONFIG_INVALID: {
    message: 'the configuration has {count} error(s): {problems}',
    help: 'Run `arkwatch check`, which prints each of them with its position.',
  },
  CONFIG_SYNTAX: { message: 'not valid YAML: {what}', help: 'Fix the line; an editor with YAML support shows it too.' },
  CONFIG_DUPLICATE_KEY: { message: 'key "{key}" is set already at {first}', help: 'Keep one of the two.' },
  CONFIG_UNKNOWN_KEY: { message: 'unknown key "{key}"', help: 'known keys: {known}' },
  CONFIG_VALUE: { message: '{what}', help: 'See the table of options in the README of the plugin.' },
  CONFIG_ENV_UNSET: {
    message: 'environment variable {variable} is not set',
    help: 'Set it, or give a default: ${env:{variable}:-default}.',
  },
  CONFIG_EXPANSION: {
    message: 'cannot expand {what}',
    help: 'Write ${env:NAME}, ${env:NAME:-default} or ${file:/path}; a literal $ before { is written $$.',
  },
  CONFIG_FILE_UNREADABLE: { message: 'cannot read {file}: {reason}', help: 'Check the path and its permissions.' },
  CONFIG_INCLUDE: { message: 'cannot include {file}: {reason}', help: 'Include each file once, from one place.' },
  CONFIG_INCLUDE_CONFLICT: {
    message: 'set here and also at {other}',
    help: 'Set it in one file: included maps merge and lists append, a single value may be set once.',
  },
  CONFIG_PATCH: {
    message: 'the change cannot be taken: {what}',
    help: 'Send a map of settings as in config.yaml; null restores the value of config.yaml.',
  },
  CONFIG_ENVIRONMENT: {
    message: 'environment variable {variable}: expected {expected}, got {seen}',
    help: 'Fix or unset the variable; docs/configuration.md lists what each one takes.',
  },
  PLUGIN_UNKNOWN: {
    message: 'unknown plugin "{plugin}"',
    help: 'known plugins: {known}; a plugin of your own needs `from:`, its path or package; remove an entry of data/overlay.yaml, by null or from the file, that an earlier change at run time left',
  },
})

type Code = Parameters<typeof configError>[0] | 'PLUGIN_INVALID' | 'PLUGIN_API_MISMATCH'

/** @param help replaces the help of the table @returns one problem at the position of `source`, if that is a file */
export function problem(code: Code, details: ErrorDetails, path: Path, source?: Source, help?: string): ConfigProblem {
  const plugin = code === 'PLUGIN_INVALID' || code === 'PLUGIN_API_MISMATCH'
  return problemAt(plugin ? coreError(code, details) : configError(code, details), path, source, help)
}

/** Where a value came from that no file holds. */
function originOf(source: Source | undefined): string {
  if (source?.kind === 'environment') return `${source.variable}: `
  return source?.kind === 'preset' ? `preset for ${source.environment}: ` : ''
}

/** As {@link problem}, of an error that was made already. */
export function problemAt(error: ArkwatchError, path: Path, source?: Source, help?: string): ConfigProblem {
  const { code } = error
  return {
    code,
    message: `${originOf(source)}${error.message}`,
    pointer: jsonPointer(path.map((part) => (typeof part === 'string' ? showKey(part) : part))),
    ...(source && 'file' in source && { file: source.file, line: source.line, column: source.column }),
    // The table's help for a value is general: without better advice the message stands alone.
    help: help ?? (code === 'CONFIG_VALUE' ? undefined : error.help),
  }
}

/** @returns `file:line:column: message (pointer) help`, the file relative to `cwd` if it is below it */
export function formatProblem(problem: ConfigProblem, cwd = process.cwd()): string {
  const { message, pointer, file, line, column, help } = problem
  const near = file !== undefined && !relative(cwd, file).startsWith('..') ? relative(cwd, file) : file
  const at = near === undefined ? '' : `${[near, line, column].filter((part) => part !== undefined).join(':')}: `
  return `${at}${message}${pointer === '' ? '' : ` (${pointer})`}${help === undefined ? '' : ` ${help}`}`
}

/** How many configuration errors the message lists. */
const maxShown = 20

/** A configuration that cannot be used, with every problem found in it. */
export class ConfigError extends ArkwatchError {
  readonly #files: readonly string[]

  /** @param hint advice that replaces the table's @param files those that were read */
  constructor(
    readonly problems: readonly ConfigProblem[],
    hint?: string,
    files: readonly string[] = [],
  ) {
    const shown = problems.slice(0, maxShown).map((each) => formatProblem({ ...each, help: undefined }))
    const more = problems.length > maxShown ? [`and ${problems.length - maxShown} more`] : []
    const all = [...shown, ...more].join('\n  ')
    const { code, message, help } = configError('CONFIG_INVALID', { count: problems.length, problems: all })
    super(code, message, hint ?? help, { problems })
    this.#files = files
  }

  /** Not a field, which logs would show. */
  get files(): readonly string[] {
    return this.#files
  }

  /** The error of a refused change: settings by pointer, without a file. @param overlay the file of the changes */
  ofChange(overlay: string): ConfigError {
    const problems = this.problems.map(({ file, line, column, ...rest }) =>
      file === overlay ? rest : { ...rest, file, line, column },
    ) as readonly ConfigProblem[]
    return new ConfigError(problems, 'Nothing was changed. Fix what each line names, and send the change again.')
  }

  /** @returns one line a problem: `file:line:column: message (pointer) help` */
  formatProblems(cwd?: string): string {
    return this.problems.map((each) => formatProblem(each, cwd)).join('\n')
  }
}

/** Whether settings of a file are not known. */
export const isUnread = ({ code }: ConfigProblem): boolean =>
  ['CONFIG_SYNTAX', 'CONFIG_FILE_UNREADABLE', 'CONFIG_INCLUDE'].includes(code)

/** What a setting of another file may make right: `from` of a plugin, or the rest of a section. */
const needsAllFiles = new Set(['PLUGIN_UNKNOWN', 'CONFIG_INCLUDE_CONFLICT'])

/** Leaves out errors that may follow from a file that was not read to its end, and sorts by position. */
export function settled(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const broken = new Map<string, number>()
  const isPartial = problems.some(isUnread)
  for (const { code, file, line } of problems) {
    if (code === 'CONFIG_SYNTAX' && file && line) broken.set(file, Math.min(line, broken.get(file) ?? line))
  }
  const mayFollow = ({ code, file, line = 0 }: ConfigProblem) =>
    isPartial && (needsAllFiles.has(code) || line >= (broken.get(file ?? '') ?? Number.POSITIVE_INFINITY))
  const order = (a = '\uFFFF', b = '\uFFFF') => Number(a > b) - Number(a < b)
  const different = new Map(
    problems.map((each) => [[each.file, each.line, each.column, each.pointer, each.message].join('\0'), each]),
  )
  return [...different.values()]
    .filter((each) => each.code === 'CONFIG_SYNTAX' || !mayFollow(each))
    .toSorted((a, b) => order(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
}
