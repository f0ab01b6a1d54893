/** `arkwatch pause` */
import { type Command, printJson } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import { instance } from '../instance.ts'

const pause: Command = async (cli) => {
  await instance(cli).call('pause')
  if (cli.json) printJson(cli, { paused: true })
  else cli.print('monitoring stands still until `arkwatch resume`')
  return exitCodes.ok
}

export default pause
