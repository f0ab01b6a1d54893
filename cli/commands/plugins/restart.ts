/** `arkwatch plugins restart NAME` */
import type { PlanStep } from '../../../core/contract/runtime-api.ts'
import type { Command } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'
import { printSteps } from '../../output/plan-lines.ts'

const pluginsRestart: Command<[string]> = async (cli, _options, plugin) => {
  const { steps } = await instance(cli).call<{ steps: readonly PlanStep[] }>('plugins.restart', { plugin })
  printSteps(cli, steps, 'nothing changed')
  return exitCodes.ok
}

export default pluginsRestart
