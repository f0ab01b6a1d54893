/** `arkwatch plugins disable NAME` */
import type { AppliedChange } from '../../../core/contract/runtime-api.ts'
import type { Command } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'
import { printSteps } from '../../output/plan-lines.ts'

const pluginsDisable: Command<[string]> = async (cli, _options, plugin) => {
  const patch = { plugins: { [plugin]: { enabled: false } } }
  const change = await instance(cli).call<AppliedChange>('config.apply', { patch })
  printSteps(cli, change.steps, 'nothing changed')
  return exitCodes.ok
}

export default pluginsDisable
