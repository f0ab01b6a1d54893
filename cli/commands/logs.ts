/** `arkwatch logs -f` */
import { systemClock } from '../../core/clock.ts'
import type { LogEntry } from '../../plugins/logging/api.ts'
import type { Command } from '../cli.ts'
import { cliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { instance } from '../instance.ts'

interface Options {
  readonly follow?: boolean
  readonly limit: string
  readonly level?: string
  readonly logger?: string
}

const pollMs = 500
const maxLines = 1_000

const logs: Command<[], Options> = async (cli, { follow = false, limit, level, logger }) => {
  const count = Number(limit)
  if (!Number.isInteger(count) || count < 1 || count > maxLines)
    throw cliError('CLI_USAGE', {
      what: `--limit takes a whole number from 1 to ${maxLines}, got ${JSON.stringify(limit)}`,
    })
  const client = instance(cli)
  let last = 0
  let wanted = count
  for (;;) {
    const { entries } = await client.call<{ entries: readonly LogEntry[] }>('logs.recent', {
      limit: wanted,
      level,
      logger,
    })
    for (const { sequence, line } of entries) if (sequence > last) cli.print(line)
    // A restart of the instance begins to count anew.
    last = entries.at(-1)?.sequence ?? last
    if (!follow) return exitCodes.ok
    wanted = maxLines
    await systemClock.sleep(pollMs)
  }
}

export default logs
