/** `arkwatch jobs [ID]` */
import type { Job } from '../../plugins/admin/jobs.ts'
import { type Command, printJson } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import { instance } from '../instance.ts'
import { table } from '../output/table.ts'

const rowOf = ({ id, kind, state, progress, owner, createdAtMs, note, error }: Job) => [
  id,
  kind,
  state,
  `${Math.round(progress * 100)} %`,
  owner,
  new Date(createdAtMs).toISOString().slice(0, 19),
  error?.message ?? note,
]

const jobs: Command<[string | undefined], { cancel?: boolean }> = async (cli, { cancel = false }, id) => {
  const client = instance(cli)
  const found =
    id === undefined
      ? (await client.call<{ jobs: readonly Job[] }>('jobs.list', { limit: 50 })).jobs
      : [await client.call<Job>(cancel ? 'jobs.cancel' : 'jobs.show', { id })]
  if (cli.json) printJson(cli, { jobs: found })
  else cli.print(table(['id', 'kind', 'state', 'done', 'by', 'begun', 'note'], found.map(rowOf)))
  return exitCodes.ok
}

export default jobs
