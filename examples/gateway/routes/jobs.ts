/** What jobs did, and what waits in the queue of RQ. */
import { Hono } from 'hono'
import { z } from 'zod'
import type { Gateway } from '../gateway.ts'
import { Refusal } from '../problems.ts'

interface Job {
  readonly job_id: string | null
  readonly job_type: string
  readonly status: string
  readonly message: string | null
  readonly duration_seconds: number | null
  readonly created_at: Date
}

const Page = z.object({ limit: z.coerce.number().int().min(1).max(100).default(10) })

export const jobRoutes = (gateway: Gateway) =>
  new Hono()
    .get('/jobs', async (c) => {
      const { limit } = Page.parse(c.req.query())
      const text = `SELECT job_id, job_type, status, message, duration_seconds, created_at AT TIME ZONE 'UTC' AS created_at
        FROM job_logs ORDER BY id DESC LIMIT $1`
      const jobs = await gateway.query<Job>(text, [limit], { ttlMs: 5_000, tags: ['jobs'], hardTimeoutMs: 3_000 })
      return c.json({ jobs })
    })
    .get('/jobs/:id', async (c) => {
      const id = c.req.param('id')
      const [job] = await gateway.db.sql<Job>`
        SELECT job_id, job_type, status, message, duration_seconds, created_at AT TIME ZONE 'UTC' AS created_at
        FROM job_logs WHERE job_id = ${id}`.options({ idempotent: true })
      if (job === undefined) throw new Refusal(404, 'Not found', `There is no job ${id}.`)
      return c.json(job)
    })
    .get('/queue-status', async (c) => {
      const [queued, scheduled, workers] = await Promise.all([
        gateway.redis.call<number>('LLEN', 'rq:queue:default'),
        gateway.redis.call<number>('ZCARD', 'rq:scheduler:scheduled_jobs'),
        gateway.redis.call<number>('SCARD', 'rq:workers'),
      ])
      return c.json({ queued_jobs: queued, scheduled_jobs: scheduled, worker_count: workers })
    })
