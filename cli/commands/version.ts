/** `arkwatch version` */
import { version } from '../../core/version.ts'
import { answer, type Command } from '../cli.ts'

export const printVersion: Command = async (cli) => {
  const { platform, arch } = process
  return answer(cli, { version, bun: Bun.version, platform, arch }, () => `arkwatch ${version}`)
}
