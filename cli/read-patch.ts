/** Reads a change from a file or from standard input. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { messageOf } from '../core/contract/errors.ts'
import type { Cli } from './cli.ts'
import { cliError } from './errors.ts'

/** @param file a path, or `-` @returns plain data @throws CLI_USAGE where it cannot be read */
export function readPatch(cli: Cli, file: string): unknown {
  try {
    return parse(readFileSync(file === '-' ? 0 : resolve(cli.cwd, file), 'utf8'))
  } catch (error) {
    throw cliError('CLI_USAGE', { what: `cannot read the change from ${file}: ${messageOf(error)}` })
  }
}
