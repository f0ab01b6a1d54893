/** `arkwatch jobs [ID]` */

import { exitCodes } from '../../core/exit-codes.ts'
import type { Job } from '../../plugins/admin/jobs.ts'
import { answer, type Command } from '../cli.ts'
import { instance } from '../instance.ts'
import { table } from '../output/table.ts'

const rowOf = ({ id, kind, state, progress, owner, createdAtMs, note, error }: Job) => [
  ...[id, kind, state, `${Math.round(progress * 100)} %`, owner],
  ...[new Date(createdAtMs).toISOString().slice(0, 19), error?.message ?? note],
]

export const jobs: Command<[string | undefined], { cancel?: boolean }> = async (cli, { cancel = false }, id) => {
  const client = instance(cli)
  const found =
    id === undefined
      ? (await client.call<{ jobs: readonly Job[] }>('jobs.list', { limit: 50 })).jobs
      : [await client.call<Job>(cancel ? 'jobs.cancel' : 'jobs.show', { id })]
  const exitCode = answer(cli, { jobs: found }, ({ jobs }) =>
    table(['id', 'kind', 'state', 'done', 'by', 'begun', 'note'], jobs.map(rowOf)),
  )
  const [job] = found
  const hadEnded = id !== undefined && cancel && (job?.state === 'done' || job?.state === 'failed')
  if (hadEnded && !cli.json) cli.warn('the job had ended before')
  return hadEnded ? exitCodes.negative : exitCode
}
