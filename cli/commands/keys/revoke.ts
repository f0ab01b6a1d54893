/** `arkwatch keys revoke ID` */
import { type Command, printJson } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'

const keysRevoke: Command<[string]> = async (cli, _options, id) => {
  await instance(cli).call('keys.revoke', { id })
  if (cli.json) printJson(cli, { id })
  else cli.print(`${id} is no longer valid`)
  return exitCodes.ok
}

export default keysRevoke
