/** Errors for people, or as JSON: what is wrong, where, what to do. */
import { formatProblem } from '../../core/config/errors.ts'
import type { ConfigProblem } from '../../core/contract/config-problem.ts'
import { ArkwatchError, messageOf } from '../../core/contract/errors.ts'
import type { InvalidArgument } from '../../core/control/protocol.ts'
import { exitCodeOf, exitCodes } from '../../core/exit-codes.ts'
import { type Cli, printJson } from '../cli.ts'

const problemsOf = ({ details }: ArkwatchError): readonly ConfigProblem[] | undefined =>
  Array.isArray(details.problems) ? (details.problems as ConfigProblem[]) : undefined

/** The invalid arguments that an error carries and its message does not name, one line each. */
const argumentLines = ({ details, message }: ArkwatchError): readonly string[] =>
  (Array.isArray(details.errors) ? (details.errors as InvalidArgument[]) : [])
    .filter(({ detail }) => !message.includes(detail))
    .map(({ pointer, parameter, detail }) => `\n  ${pointer ?? parameter}: ${detail}`)

/** @returns position and message, below it what to do */
const problemText = ({ help, ...problem }: ConfigProblem, cwd: string): string =>
  `${formatProblem(problem, cwd)}${help ? `\n    ${help}` : ''}`

/** Prints what was thrown. @returns the exit code */
export function reportError(cli: Cli, thrown: unknown): number {
  const known = thrown instanceof ArkwatchError ? thrown : undefined
  const problems = known && problemsOf(known)
  const exitCode = problems === undefined ? exitCodeOf(thrown) : exitCodes.config
  if (cli.json) {
    const error = known
      ? { code: known.code, message: known.message, help: known.help, errors: known.details.errors, problems }
      : { code: 'INTERNAL', message: messageOf(thrown) }
    printJson(cli, { error, exitCode })
    return exitCode
  }
  if (known === undefined) {
    cli.warn(`error: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`)
    cli.warn('  this is a fault in Arkwatch or in a plugin: please report it')
  } else if (problems !== undefined) {
    cli.warn(problems.map((each) => problemText(each, cli.cwd)).join('\n'))
    cli.warn(`${problems.length} error${problems.length === 1 ? '' : 's'} in the configuration`)
    const missing = problems.some(({ code, file }) => code === 'CONFIG_FILE_UNREADABLE' && file === undefined)
    if (missing) cli.warn('  `arkwatch init` writes a configuration; -c FILE names another one')
  } else {
    cli.warn(`error: ${known.message} [${known.code}]${argumentLines(known).join('')}\n  ${known.help}`)
  }
  return exitCode
}
