/** `arkwatch version` */
import { version } from '../../core/version.ts'
import { type Command, printJson } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'

const printVersion: Command = async (cli) => {
  if (cli.json) printJson(cli, { version, bun: Bun.version, platform: process.platform, arch: process.arch })
  else cli.print(`arkwatch ${version}`)
  return exitCodes.ok
}

export default printVersion
