/** `arkwatch keys create NAME` */
import { parseDuration } from '../../../core/contract/units.ts'
import type { KeyInfo } from '../../../plugins/admin/keys/key.ts'
import { type Command, printJson } from '../../cli.ts'
import { cliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'

interface Options {
  readonly role: string
  readonly scope?: readonly string[]
  readonly expires?: string
}

const dayMs = 86_400_000

const keysCreate: Command<[string], Options> = async (cli, { role, scope, expires }, name) => {
  const expiresMs = expires === undefined ? undefined : parseDuration(expires)
  if (expires !== undefined && !expiresMs)
    throw cliError('CLI_USAGE', { what: `--expires takes a duration such as 90d, got ${JSON.stringify(expires)}` })
  const made = await instance(cli).call<{ key: string; info: KeyInfo }>('keys.create', {
    name,
    role,
    ...(scope && { scopes: scope }),
    ...(expiresMs && { expiresInDays: expiresMs / dayMs }),
  })
  if (cli.json) printJson(cli, made)
  else {
    cli.print(made.key)
    cli.warn(`a key named ${made.info.name} with the role ${made.info.role}, id ${made.info.id}; it is shown this once`)
  }
  return exitCodes.ok
}

export default keysCreate
