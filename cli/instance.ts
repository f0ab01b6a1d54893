/** The running process that belongs to a configuration. */
import { dirname, resolve } from 'node:path'
import { valueAt } from '../core/config/tree/node.ts'
import { readTree } from '../core/config/tree/read.ts'
import { type ControlClient, control } from '../core/control/client.ts'
import type { Cli } from './cli.ts'
import { type RemoteClient, remote } from './remote.ts'

/** The dataDir of the configuration. Errors elsewhere in the configuration do not matter. */
export function dataDirOf({ configFile, env }: Pick<Cli, 'configFile' | 'env'>): string {
  const data = valueAt(readTree(configFile, { env, problems: [], files: new Set() }), ['data'])
  return resolve(dirname(configFile), typeof data === 'string' && data !== '' ? data : './data')
}

/** The remote process of `--url`, else the process of the configuration. @param timeoutMs time limit of a command */
export const instance = (cli: Cli, timeoutMs?: number): ControlClient =>
  cli.url === undefined ? control(dataDirOf(cli), timeoutMs) : remote(cli, cli.url, timeoutMs)

/** The remote process of `--url`, which can stream events. */
export const remoteInstance = (cli: Cli): RemoteClient | undefined =>
  cli.url === undefined ? undefined : remote(cli, cli.url)
