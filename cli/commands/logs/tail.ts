/** `arkwatch logs -f` */
import { systemClock } from '../../../core/process/clock.ts'
import type { LogEntry } from '../../../plugins/logging/api.ts'
import type { Cli, Command } from '../../cli.ts'
import { cliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance, remoteInstance } from '../../instance.ts'

interface Options {
  readonly follow?: boolean
  readonly limit: string
  readonly level?: string
  readonly logger?: string
}

const pollMs = 500
const reopenMs = 1_000
const maxLines = 1_000

/** Prints lines that are kept, each once. */
class Shown {
  #last = 0

  constructor(
    private readonly cli: Cli,
    private readonly filter: Pick<Options, 'level' | 'logger'>,
  ) {}

  async kept(limit: number): Promise<void> {
    const asked = { limit, ...this.filter }
    const { entries } = await instance(this.cli).call<{ entries: readonly LogEntry[] }>('logs.recent', asked)
    // A restart of the instance begins to count anew.
    if ((entries.at(-1)?.sequence ?? this.#last) < this.#last) this.#last = 0
    for (const { sequence, line } of entries) this.line(sequence, line)
  }

  line(sequence: number, line: string): void {
    if (sequence <= this.#last) return
    this.#last = sequence
    this.cli.print(line)
  }
}

const logs: Command<[], Options> = async (cli, { follow = false, limit, level, logger }) => {
  const count = Number(limit)
  if (!Number.isInteger(count) || count < 1 || count > maxLines)
    throw cliError('CLI_USAGE', {
      what: `--limit takes a whole number from 1 to ${maxLines}, got ${JSON.stringify(limit)}`,
    })
  const shown = new Shown(cli, { level, logger })
  const elsewhere = remoteInstance(cli)
  if (!follow || elsewhere === undefined) await shown.kept(count)
  if (!follow) return exitCodes.ok
  for (let limit = count; ; limit = maxLines) {
    if (elsewhere === undefined) {
      await systemClock.sleep(pollMs)
      await shown.kept(maxLines)
      continue
    }
    for await (const { event, id, data } of elsewhere.follow('logs', { level, logger })) {
      // What is kept is read once the stream stands, so that no line falls in between.
      if (event === 'open') await shown.kept(limit)
      else if (event === 'log') shown.line(id, JSON.stringify(data))
      else if (event === 'dropped')
        cli.warn(`${(data as { lines: number }).lines} lines were dropped: too many to follow`)
    }
    await systemClock.sleep(reopenMs)
  }
}

export default logs
