/** `arkwatch pause` and `arkwatch resume`. */
import { answer, type Command } from '../cli.ts'
import { instance } from '../instance.ts'

export const pause: Command = async (cli) => {
  await instance(cli).call('pause')
  return answer(cli, { paused: true }, () => 'monitoring is paused until `arkwatch resume`')
}

export const resume: Command = async (cli) => {
  await instance(cli).call('resume')
  return answer(cli, { paused: false }, () => 'monitoring is resumed')
}
