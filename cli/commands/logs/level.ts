/** `arkwatch logs level` */

import type { LoggerLevel } from '../../../plugins/logging/api.ts'
import { type Cli, type Command, printJson } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'
import { table } from '../../output/table.ts'

interface Levels {
  readonly loggers: readonly LoggerLevel[]
}

const timeOf = (ms: number | undefined) => (ms === undefined ? '' : new Date(ms).toISOString())

function show(cli: Cli, { loggers }: Levels): void {
  const rows = loggers.map((one) => [one.logger, one.effective, one.configured ?? '', timeOf(one.revertsAtMs)])
  cli.print(table(['logger', 'level', 'set', 'until'], rows))
}

const logsLevel: Command<[logger?: string, level?: string], { for?: string }> = async (cli, options, logger, level) => {
  const change = level !== undefined && { level: level === 'reset' ? null : level.toLowerCase(), for: options.for }
  const levels = await instance(cli).call<Levels>('logs.level', { ...(logger !== undefined && { logger }), ...change })
  if (cli.json) printJson(cli, levels)
  else show(cli, levels)
  return exitCodes.ok
}

export default logsLevel
