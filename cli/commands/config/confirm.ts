/** `arkwatch config confirm [ID]` */
import type { AppliedChange } from '../../../core/contract/runtime-api.ts'
import { type Command, printJson } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'

const configConfirm: Command<[string | undefined]> = async (cli, _options, id) => {
  const change = await instance(cli).call<AppliedChange>('config.confirm', { id })
  if (cli.json) printJson(cli, change)
  else cli.print(`${change.id}: ${change.state}`)
  return exitCodes.ok
}

export default configConfirm
