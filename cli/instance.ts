/** The running process that belongs to a configuration. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { valueAt } from '../core/config/tree/node.ts'
import { readTree } from '../core/config/tree/read.ts'
import { type ControlClient, control } from '../core/control/client.ts'
import type { Cli } from './cli.ts'
import { cliError } from './errors.ts'
import { type RemoteClient, remote } from './remote.ts'

/** The dataDir of the configuration. Errors elsewhere in the configuration do not matter. */
export function dataDirOf({ configFile, env }: Pick<Cli, 'configFile' | 'env'>): string {
  const data = valueAt(readTree(configFile, { env, problems: [], files: new Set() }), ['data'])
  return resolve(dirname(configFile), typeof data === 'string' && data !== '' ? data : './data')
}

/**
 * The remote process of `--url`, else the process of the configuration.
 * @param timeoutMs time limit of a command
 * @throws CLI_USAGE for a file that is named and not there: the process of ./data may be another one
 */
export function instance(cli: Cli, timeoutMs?: number): ControlClient {
  if (cli.url !== undefined) return remote(cli, cli.url, timeoutMs)
  if (cli.isNamed && !existsSync(cli.configFile))
    throw cliError('CLI_USAGE', { what: `there is no file ${cli.configFile}, which names the process by its \`data\`` })
  return control(dataDirOf(cli), timeoutMs)
}

/** The remote process of `--url`, which can stream events. */
export const remoteInstance = (cli: Cli): RemoteClient | undefined =>
  cli.url === undefined ? undefined : remote(cli, cli.url)
