/** `arkwatch logs` */

import { exitCodes } from '../../core/exit-codes.ts'
import { systemClock } from '../../core/process/clock.ts'
import type { LogEntry, LoggerLevel } from '../../plugins/logging/api.ts'
import { answer, type Cli, type Command, printJson } from '../cli.ts'
import { instance, remoteInstance } from '../instance.ts'
import { durationOption, limitOption } from '../option-values.ts'
import { table } from '../output/table.ts'

type Filter = { readonly level?: string; readonly logger?: string }
type Options = Filter & { readonly limit: string; readonly follow?: boolean }

const pollMs = 500
const reopenMs = 1_000
const maxLines = 1_000

const recentEntries = async (cli: Cli, limit: number, { level, logger }: Filter) =>
  (await instance(cli).call<{ entries: readonly LogEntry[] }>('logs.recent', { limit, level, logger })).entries

/** Prints recent lines, each once. */
class Shown {
  #last = 0

  constructor(
    private readonly cli: Cli,
    private readonly filter: Filter,
  ) {}

  async recent(limit: number): Promise<void> {
    const entries = await recentEntries(this.cli, limit, this.filter)
    // A restart of the process begins to count anew.
    if ((entries.at(-1)?.sequence ?? this.#last) < this.#last) this.#last = 0
    for (const { sequence, line } of entries) this.line(sequence, line)
  }

  line(sequence: number, line: string): void {
    if (sequence <= this.#last) return
    this.#last = sequence
    this.cli.print(line)
  }
}

export const logs: Command<[], Options> = async (cli, { follow = false, limit, ...filter }) => {
  const count = limitOption(limit, maxLines)
  const shown = new Shown(cli, filter)
  const elsewhere = remoteInstance(cli)
  if (!follow || elsewhere === undefined) await shown.recent(count)
  if (!follow) return exitCodes.ok
  for (let limit = count; ; limit = maxLines) {
    if (elsewhere === undefined) {
      await systemClock.sleep(pollMs)
      await shown.recent(maxLines)
      continue
    }
    for await (const { event, id, data } of elsewhere.follow('logs', { level: filter.level, logger: filter.logger })) {
      // Recent lines are read once the stream is open, so that no line falls in between.
      if (event === 'open') await shown.recent(limit)
      else if (event === 'log') shown.line(id, JSON.stringify(data))
      else if (event === 'dropped')
        cli.warn(`${(data as { lines: number }).lines} lines were dropped: too many to follow`)
    }
    await systemClock.sleep(reopenMs)
  }
}

/** As `logs` without -f, and one document with `--json`. */
export const recent: Command<[], Options> = async (cli, { limit, ...filter }) => {
  const entries = await recentEntries(cli, limitOption(limit, maxLines), filter)
  if (cli.json) printJson(cli, { entries })
  else for (const { line } of entries) cli.print(line)
  return exitCodes.ok
}

const timeOf = (ms: number | undefined) => (ms === undefined ? '' : new Date(ms).toISOString())

export const level: Command<[string?, string?], { for?: string }> = async (cli, options, logger, to) => {
  if (options.for !== undefined) durationOption('for', options.for, '15m', ['1s', '1w'])
  const change = to !== undefined && { level: to === 'reset' ? null : to.toLowerCase(), for: options.for }
  const found = await instance(cli).call<{ loggers: readonly LoggerLevel[] }>('logs.level', { logger, ...change })
  const rowOf = (one: LoggerLevel) => [one.logger, one.effective, one.configured ?? '', timeOf(one.revertsAtMs)]
  return answer(cli, found, () => table(['logger', 'level', 'set', 'until'], found.loggers.map(rowOf)))
}
