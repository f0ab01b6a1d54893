/** The environment of a command: output, options that all commands share, and the configuration. */
import { resolve } from 'node:path'
import { exitCodes } from '../core/exit-codes.ts'

export interface Cli {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Print JSON only. */
  readonly json: boolean
  readonly colour: boolean
  /** Whether standard output is a terminal. */
  readonly interactive: boolean
  /** Absolute path of the configuration: `-c FILE`, else ARKWATCH_CONFIG, else ./config.yaml. */
  readonly configFile: string
  /** Whether `-c` or ARKWATCH_CONFIG names it. */
  readonly isNamed?: boolean
  /** The admin API of a remote process; undefined for the process of the configuration. */
  readonly url: string | undefined
  /** Writes a result to standard output. */
  print(text: string): void
  /** Writes to standard error. */
  warn(text: string): void
}

/** Options that all commands share; `health` has a `--url` of its own. */
export interface GlobalOptions {
  readonly config?: string
  readonly json?: boolean
  readonly url?: string
}

/** A command: runs, prints, and @returns the exit code. */
export type Command<Arguments extends readonly unknown[] = readonly unknown[], Options = object> = (
  cli: Cli,
  options: Options,
  ...args: Arguments
) => Promise<number>

type Output = { readonly isTTY?: boolean; write(text: string, written?: () => void): unknown }
/** What a command line uses of the process that runs it. */
export type CommandHost = Pick<Cli, 'env'> & { cwd(): string; readonly stdout: Output; readonly stderr: Output }

let printed: Promise<unknown> = Promise.resolve()

/** Resolves when everything printed so far is written. The callback of a later, empty write would not wait for that. */
export const flushed = (): Promise<unknown> => printed

export function createCli(options: GlobalOptions, host: CommandHost): Cli {
  const { env, stdout, stderr } = host
  const cwd = host.cwd()
  const json = options.json === true
  return {
    env,
    cwd,
    json,
    colour: !json && stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    interactive: stdout.isTTY === true,
    configFile: resolve(cwd, options.config ?? (env.ARKWATCH_CONFIG || 'config.yaml')),
    isNamed: Boolean(options.config ?? env.ARKWATCH_CONFIG),
    url: options.url || env.ARKWATCH_URL || undefined,
    print(text) {
      const out = new Promise<void>((resolve) => stdout.write(`${text}\n`, () => resolve()))
      printed = Promise.all([printed, out])
    },
    warn: (text) => void stderr.write(`${text}\n`),
  }
}

export const printJson = (cli: Cli, value: unknown): void => cli.print(JSON.stringify(value, null, 2))

/** Prints `value` as JSON with `--json`, else what `text` makes of it. @returns the exit code ok */
export function answer<Value>(cli: Cli, value: Value, text: (value: Value) => string): number {
  if (cli.json) printJson(cli, value)
  else cli.print(text(value))
  return exitCodes.ok
}
