/** `arkwatch keys list` */
import type { KeyInfo } from '../../../plugins/admin/keys/key.ts'
import { type Command, printJson } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'
import { table } from '../../output/table.ts'

const timeOf = (ms: number | undefined | null) => (ms == null ? 'never' : new Date(ms).toISOString().slice(0, 19))

const keysList: Command = async (cli) => {
  const { keys } = await instance(cli).call<{ keys: readonly KeyInfo[] }>('keys.list')
  if (cli.json) printJson(cli, { keys })
  else {
    const rows = keys.map((key) => [
      key.id,
      key.name,
      key.role,
      key.scopes.join(' '),
      key.source,
      timeOf(key.expiresAtMs),
      timeOf(key.lastUsedAtMs),
    ])
    cli.print(table(['id', 'name', 'role', 'scopes', 'from', 'expires', 'last used'], rows))
  }
  return exitCodes.ok
}

export default keysList
