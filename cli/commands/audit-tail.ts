/** `arkwatch audit tail` */
import { systemClock } from '../../core/clock.ts'
import type { AuditRecord } from '../../plugins/audit/api.ts'
import { type Cli, type Command, printJson } from '../cli.ts'
import { cliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { instance } from '../instance.ts'

interface Options {
  readonly limit: string
  readonly follow?: boolean
  readonly principal?: string
  readonly action?: string
}

const pollMs = 1_000

export function recordLine({ seq, time, principal, action, target, outcome, from, changes }: AuditRecord): string {
  const what = target === undefined ? action : `${action} ${target}`
  const changed = changes === undefined ? '' : ` ${changes.map(({ path }) => path).join(' ')}`
  return `${seq} ${time} ${principal.name} (${principal.role}) ${what} ${outcome} from ${from}${changed}`
}

function show(cli: Cli, records: readonly AuditRecord[]): void {
  for (const record of records) cli.print(cli.json ? JSON.stringify(record) : recordLine(record))
}

const auditTail: Command<[], Options> = async (cli, { limit, follow = false, principal, action }) => {
  const count = Number(limit)
  if (!Number.isInteger(count) || count < 1 || count > 1_000)
    throw cliError('CLI_USAGE', { what: `--limit takes a whole number from 1 to 1000, got ${JSON.stringify(limit)}` })
  const ask = (args: object) =>
    instance(cli).call<{ records: readonly AuditRecord[] }>('audit.page', { principal, action, ...args })
  const { records } = await ask({ limit: count })
  const oldestFirst = records.toReversed()
  if (cli.json && !follow) {
    printJson(cli, { records: oldestFirst })
    return exitCodes.ok
  }
  show(cli, oldestFirst)
  let after = records[0]?.seq ?? 0
  while (follow) {
    await systemClock.sleep(pollMs)
    const { records: more } = await ask({ limit: 1_000, after })
    show(cli, more)
    after = more.at(-1)?.seq ?? after
  }
  return exitCodes.ok
}

export default auditTail
