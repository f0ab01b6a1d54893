/** The gateway's HTTP API. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Gateway } from './gateway.ts'
import { problemOf, problemResponse } from './problems.ts'
import { assetRoutes } from './routes/assets.ts'
import { jobRoutes } from './routes/jobs.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { transactionRoutes } from './routes/transactions.ts'
import { vtxoRoutes } from './routes/vtxos.ts'

export function createApp(gateway: Gateway): Hono {
  const app = new Hono()
  const tooLarge = { status: 413, title: 'Content too large', detail: 'A body has at most 64 KiB.' }
  app.use(bodyLimit({ maxSize: 64 * 1024, onError: (c) => problemResponse(tooLarge, c) }))
  app.get('/', (c) =>
    c.json({ message: 'Welcome to ArkRelay Gateway', status: 'running', timestamp: new Date().toISOString() }),
  )
  app.route('/sessions', sessionRoutes(gateway))
  app.route('/vtxos', vtxoRoutes(gateway))
  app.route('/transactions', transactionRoutes(gateway))
  app.route('/assets', assetRoutes(gateway))
  app.route('/', jobRoutes(gateway))
  app.notFound((c) => problemResponse({ status: 404, title: 'Not found' }, c))
  app.onError((error, c) => {
    const problem = problemOf(error)
    if (problem === undefined) gateway.log(c).error('a request failed', { error })
    else if (problem.status === 503) gateway.log(c).warn('a request could not be served now', { error })
    return problemResponse(problem ?? { status: 500, title: 'Internal server error' }, c)
  })
  return app
}
