/** Makes a support bundle. */
import { createRoute, z } from '@hono/zod-openapi'
import { operation } from '../api.ts'
import { type BundleOptions, makeBundle } from '../bundle.ts'
import { createApi } from '../http/compose.ts'
import { body } from '../http/reply.ts'
import { accepted } from './jobs.ts'

export function bundleRoutes(options: BundleOptions) {
  const app = createApi()
  app.openapi(
    createRoute({
      ...operation({
        id: 'support.bundle',
        access: 'admin',
        summary: 'Collects status, configuration, logs and metrics into one archive of plain text.',
      }),
      method: 'post',
      path: '/support-bundle',
      request: body(
        z.strictObject({
          duration_seconds: z.number().min(0).max(300).default(10).describe('Between the two looks at the metrics.'),
        }),
      ),
      responses: accepted,
    }),
    async (c) => {
      const { duration_seconds: seconds } = c.req.valid('json')
      return (await c.var.startJob('support-bundle', (job) => makeBundle(options, seconds * 1_000, job))) as never
    },
  )
  return app
}
