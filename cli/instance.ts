/** The running instance that a configuration belongs to. */
import { dirname, resolve } from 'node:path'
import { spot } from '../core/config/tree/node.ts'
import { readTree } from '../core/config/tree/read.ts'
import { type ControlClient, control } from '../core/control/client.ts'
import type { Cli } from './cli.ts'
import { type RemoteClient, remote } from './remote.ts'

/** The data folder that the configuration names. A configuration that is wrong elsewhere does not matter. */
export function dataDirOf({ configFile, env }: Pick<Cli, 'configFile' | 'env'>): string {
  const root = readTree(configFile, { env, problems: [], files: new Set() })
  const { node } = spot(root, ['data'])
  const data = node?.kind === 'scalar' && typeof node.value === 'string' && node.value !== '' ? node.value : './data'
  return resolve(dirname(configFile), data)
}

/** The instance that `--url` names, else the one that the configuration belongs to. @param timeoutMs how long an answer may take */
export const instance = (cli: Cli, timeoutMs?: number): ControlClient =>
  cli.url === undefined ? control(dataDirOf(cli), timeoutMs) : remote(cli, cli.url, timeoutMs)

/** The instance that `--url` names, which can be followed by a stream. */
export const remoteInstance = (cli: Cli): RemoteClient | undefined =>
  cli.url === undefined ? undefined : remote(cli, cli.url)
