/** `arkwatch plan` */
import type { PlanStep } from '../../core/contract/runtime-api.ts'
import type { Command } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import { instance } from '../instance.ts'
import { printSteps } from '../output/plan-lines.ts'

const plan: Command = async (cli) => {
  printSteps(cli, await instance(cli).call<readonly PlanStep[]>('plan'), 'a reload would change nothing')
  return exitCodes.ok
}

export default plan
