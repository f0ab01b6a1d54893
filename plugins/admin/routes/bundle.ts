import { z } from '@hono/zod-openapi'
import { body } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'
import { type BundleOptions, makeBundle } from '../support-bundle.ts'
import { accepted } from './jobs.ts'

export function bundleRoutes(options: BundleOptions) {
  const { app, route } = createRoutes()
  route(
    'post /support-bundle',
    'Collects status, configuration, logs and metrics into one archive of plain text.',
    { id: 'support.bundle', access: 'admin' },
    {
      ...body(
        z.strictObject({
          duration_seconds: z.number().min(0).max(300).default(10).describe('Between two readings of the metrics.'),
        }),
      ),
      ...accepted,
    },
    (c) => {
      const { duration_seconds: seconds } = c.req.valid('json')
      return c.var.startJob('support-bundle', (job) => makeBundle(options, seconds * 1_000, job))
    },
  )
  return app
}
