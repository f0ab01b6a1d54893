/** `arkwatch logs recent` */
import type { LogEntry } from '../../../plugins/logging/api.ts'
import { type Command, printJson } from '../../cli.ts'
import { cliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'

interface Options {
  readonly limit: string
  readonly level?: string
  readonly logger?: string
}

const logsRecent: Command<[], Options> = async (cli, { limit, level, logger }) => {
  const count = Number(limit)
  if (!Number.isInteger(count) || count < 1) {
    throw cliError('CLI_USAGE', { what: `--limit takes a whole number from 1 on, got ${JSON.stringify(limit)}` })
  }
  const filter = { limit: count, level, logger }
  const { entries } = await instance(cli).call<{ entries: readonly LogEntry[] }>('logs.recent', filter)
  if (cli.json) printJson(cli, { entries })
  else for (const { line } of entries) cli.print(line)
  return exitCodes.ok
}

export default logsRecent
