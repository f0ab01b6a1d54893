/** `arkwatch resume` */
import { type Command, printJson } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import { instance } from '../instance.ts'

const resume: Command = async (cli) => {
  await instance(cli).call('resume')
  if (cli.json) printJson(cli, { paused: false })
  else cli.print('monitoring goes on')
  return exitCodes.ok
}

export default resume
