/** `arkwatch audit tail` */
import { systemClock } from '../../../core/process/clock.ts'
import type { AuditRecord } from '../../../plugins/audit/api.ts'
import { type Cli, type Command, printJson } from '../../cli.ts'
import { cliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance, remoteInstance } from '../../instance.ts'
import type { RemoteClient } from '../../remote.ts'

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

/** By a stream: each look of a poll would be a record itself. */
async function followElsewhere(
  cli: Cli,
  elsewhere: RemoteClient,
  filter: Pick<Options, 'principal' | 'action'>,
  count: number,
): Promise<never> {
  const { principal, action } = filter
  const isWanted = (record: AuditRecord) =>
    (principal === undefined || record.principal.name === principal) &&
    (action === undefined || record.action === action)
  let last = 0
  const showNew = (records: readonly AuditRecord[]) => {
    for (const record of records) {
      if (record.seq <= last) continue
      last = record.seq
      show(cli, [record])
    }
  }
  for (let limit = count; ; limit = 1_000) {
    for await (const { event, data } of elsewhere.follow('audit', {})) {
      if (event === 'open') {
        const { records } = await elsewhere.call<{ records: readonly AuditRecord[] }>('audit.page', {
          limit,
          ...filter,
        })
        showNew(records.toReversed())
      } else if (event === 'record' && isWanted(data as AuditRecord)) showNew([data as AuditRecord])
    }
    await systemClock.sleep(pollMs)
  }
}

const auditTail: Command<[], Options> = async (cli, { limit, follow = false, principal, action }) => {
  const count = Number(limit)
  if (!Number.isInteger(count) || count < 1 || count > 1_000)
    throw cliError('CLI_USAGE', { what: `--limit takes a whole number from 1 to 1000, got ${JSON.stringify(limit)}` })
  const ask = (args: object) =>
    instance(cli).call<{ records: readonly AuditRecord[] }>('audit.page', { principal, action, ...args })
  const elsewhere = remoteInstance(cli)
  if (follow && elsewhere !== undefined) await followElsewhere(cli, elsewhere, { principal, action }, count)
  const { records } = await ask({ limit: count })
  const oldestFirst = records.toReversed()
  if (cli.json && !follow) {
    printJson(cli, { records: oldestFirst })
    return exitCodes.ok
  }
  show(cli, oldestFirst)
  let after = records[0]?.seq ?? 0
  while (follow && elsewhere === undefined) {
    await systemClock.sleep(pollMs)
    const { records: more } = await ask({ limit: 1_000, after })
    show(cli, more)
    after = more.at(-1)?.seq ?? after
  }
  return exitCodes.ok
}

export default auditTail
