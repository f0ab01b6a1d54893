/** `arkwatch audit tail` */

import { exitCodes } from '../../../core/exit-codes.ts'
import { systemClock } from '../../../core/process/clock.ts'
import type { AuditRecord } from '../../../plugins/audit/api.ts'
import { type Cli, type Command, printJson } from '../../cli.ts'
import { instance, remoteInstance } from '../../instance.ts'
import { limitOption } from '../../option-values.ts'
import type { RemoteClient } from '../../remote.ts'

type Records = readonly AuditRecord[]
type Filter = { readonly principal?: string; readonly action?: string }
type Options = Filter & { readonly limit: string; readonly follow?: boolean }

const pollMs = 1_000
const maxRecords = 1_000

function recordLine({ seq, time, principal, action, target, outcome, from, changes }: AuditRecord): string {
  const what = target === undefined ? action : `${action} ${target}`
  const changed = changes === undefined ? '' : ` ${changes.map(({ path }) => path).join(' ')}`
  return `${seq} ${time} ${principal.name} (${principal.role}) ${what} ${outcome} from ${from}${changed}`
}

function show(cli: Cli, records: Records): void {
  for (const record of records) cli.print(cli.json ? JSON.stringify(record) : recordLine(record))
}

/** The latest records, oldest first; after `after`, where it is given. */
async function page(cli: Cli, { principal, action }: Filter, limit: number, after?: number): Promise<Records> {
  const args = { principal, action, limit, after }
  const { records } = await instance(cli).call<{ records: Records }>('audit.page', args)
  return after === undefined ? records.toReversed() : records
}

/** By a stream: each request of a poll would be a record itself. */
async function followRemote(cli: Cli, remote: RemoteClient, filter: Filter, count: number): Promise<never> {
  const { principal, action } = filter
  const isWanted = (record: AuditRecord) =>
    (principal === undefined || record.principal.name === principal) &&
    (action === undefined || record.action === action)
  let last = 0
  const showNew = (records: Records) => {
    for (const record of records) {
      if (record.seq <= last) continue
      last = record.seq
      show(cli, [record])
    }
  }
  for (let limit = count; ; limit = maxRecords) {
    for await (const { event, data } of remote.follow('audit', {})) {
      if (event === 'open') showNew(await page(cli, filter, limit))
      else if (event === 'record' && isWanted(data as AuditRecord)) showNew([data as AuditRecord])
    }
    await systemClock.sleep(pollMs)
  }
}

export const tail: Command<[], Options> = async (cli, { limit, follow = false, ...filter }) => {
  const count = limitOption(limit, maxRecords)
  const elsewhere = remoteInstance(cli)
  if (follow && elsewhere !== undefined) await followRemote(cli, elsewhere, filter, count)
  const records = await page(cli, filter, count)
  if (cli.json && !follow) printJson(cli, { records })
  else show(cli, records)
  let after = records.at(-1)?.seq ?? 0
  while (follow) {
    await systemClock.sleep(pollMs)
    const more = await page(cli, filter, maxRecords, after)
    show(cli, more)
    after = more.at(-1)?.seq ?? after
  }
  return exitCodes.ok
}
