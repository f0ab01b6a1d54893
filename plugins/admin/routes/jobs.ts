/** Jobs: list, watch, cancel, fetch the file of a job. */
import { z } from '@hono/zod-openapi'
import { adminError } from '../errors.ts'
import { anything, idParam, iso, isoOrNull, nextCursor, nullableTime, number, reply, time } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'
import type { Job, Jobs } from '../jobs.ts'

export const JobSchema = z
  .object({
    id: z.uuid(),
    kind: z.string(),
    owner: z.string(),
    state: z.enum(['running', 'done', 'failed', 'cancelled']),
    progress: z.number().min(0).max(1),
    note: z.string(),
    created_at: time,
    ended_at: nullableTime,
    result: anything,
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    file: z.string().nullable().describe('Path of the file that the job made.'),
  })
  .openapi('Job')

export function shownJob({ id, kind, owner, state, progress, note, createdAtMs, endedAtMs, ...outcome }: Job) {
  const times = { created_at: iso(createdAtMs), ended_at: isoOrNull(endedAtMs) }
  const { result = null, error = null } = outcome
  const file = outcome.file === undefined || state === 'running' ? null : `/admin/jobs/${id}/file`
  return { id, kind, owner, state, progress, note, ...times, result, error, file }
}

/** What an operation that starts a job answers. */
export const accepted = { 202: reply('The job has begun; `Location` is its path.', JobSchema) }

const params = z.object({ id: idParam('Id of the job.') })

/** When a job was made and which of that moment: several are made in the same millisecond. */
const jobCursor = z
  .string()
  .regex(/^\d{1,16}\.[\w-]{1,64}$/, 'expected the value of `next` of a page')
  .transform((text) => {
    const [atMs, id] = text.split('.') as [string, string]
    return { createdAtMs: Number(atMs), id }
  })
  .optional()
  .openapi({ type: 'string', description: 'Where the page begins: `next` of the page before.' })

/** Of files that jobs leave; any other is served as bytes. */
const fileTypes: readonly string[] = ['application/octet-stream', 'application/gzip', 'application/json']
const whereFiles = 'GET /admin/jobs/{id} names the file, where there is one.'
const fileSchema = z.string().openapi({ format: 'binary' })

export function jobRoutes(jobs: Jobs) {
  const { app, route } = createRoutes()
  route(
    'get /jobs',
    'Lists jobs, newest first.',
    { id: 'jobs.list', access: 'viewer' },
    {
      query: z.object({ limit: number(1, 200, 50, 'Jobs in a page.'), cursor: jobCursor }),
      200: reply('The jobs.', z.object({ jobs: z.array(JobSchema), next: nextCursor })),
    },
    async (c) => {
      const { limit, cursor: after } = c.req.valid('query')
      const page = await jobs.list(limit, after)
      const last = page.length === limit ? page.at(-1) : undefined
      return { jobs: page.map(shownJob), next: last === undefined ? null : `${last.createdAtMs}.${last.id}` }
    },
  )
  route(
    'get /jobs/{id}',
    'Shows a job.',
    { id: 'jobs.show', access: 'viewer' },
    { params, 200: reply('The job.', JobSchema) },
    async (c) => shownJob(await jobs.find(c.req.valid('param').id)),
  )
  route(
    'delete /jobs/{id}',
    'Cancels a job.',
    { id: 'jobs.cancel', access: 'operator' },
    { params, 202: reply('The job, which ends soon, or had ended before.', JobSchema) },
    async (c) => shownJob(await jobs.cancel(c.req.valid('param').id)),
  )
  route(
    'get /jobs/{id}/file',
    'Fetches the file that a job made.',
    { id: 'jobs.file', access: 'admin', sensitive: true },
    {
      params,
      200: {
        description: 'The file.',
        content: Object.fromEntries(fileTypes.map((type) => [type, { schema: fileSchema }])),
      },
    },
    async (c) => {
      const { file, state } = await jobs.find(c.req.valid('param').id)
      const content = file === undefined || state !== 'done' ? undefined : Bun.file(file.path)
      if (file === undefined || content === undefined || !(await content.exists()))
        throw adminError('ADMIN_NOT_FOUND', { what: 'file of this job', where: whereFiles })
      const type = fileTypes.includes(file.contentType) ? file.contentType : 'application/octet-stream'
      const headers = { 'content-type': type, 'content-disposition': `attachment; filename="${file.name}"` }
      return new Response(content, { headers })
    },
  )
  return app
}
