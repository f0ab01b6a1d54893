/** `arkwatch config apply FILE` */

import type { AppliedChange } from '../../../core/contract/runtime-api.ts'
import { parseDuration } from '../../../core/contract/units.ts'
import { type Command, printJson } from '../../cli.ts'
import { cliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'
import { printSteps } from '../../output/plan-lines.ts'
import { readPatch } from '../../read-patch.ts'

interface Options {
  readonly confirmWithin?: string
}

const configApply: Command<[string], Options> = async (cli, { confirmWithin }, file) => {
  const confirmWithinMs = confirmWithin === undefined ? undefined : parseDuration(confirmWithin)
  if (confirmWithin !== undefined && !confirmWithinMs)
    throw cliError('CLI_USAGE', {
      what: `--confirm-within takes a duration such as 60s, got ${JSON.stringify(confirmWithin)}`,
    })
  const patch = readPatch(cli, file)
  const change = await instance(cli).call<AppliedChange>('config.apply', { patch, confirmWithinMs })
  if (cli.json) printJson(cli, change)
  else {
    printSteps(cli, change.steps, 'nothing changed')
    if (confirmWithinMs !== undefined)
      cli.print(`taken back in ${confirmWithin} unless you run: arkwatch config confirm ${change.id}`)
  }
  return exitCodes.ok
}

export default configApply
