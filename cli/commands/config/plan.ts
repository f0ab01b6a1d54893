/** `arkwatch config plan FILE` */
import type { PlannedChange } from '../../../core/contract/runtime-api.ts'
import type { Command } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'
import { printSteps } from '../../output/plan-lines.ts'
import { readPatch } from '../../read-patch.ts'

const configPlan: Command<[string]> = async (cli, _options, file) => {
  const planned = await instance(cli).call<PlannedChange>('config.plan', { patch: readPatch(cli, file) })
  printSteps(cli, planned.steps, 'the change would change nothing')
  return exitCodes.ok
}

export default configPlan
