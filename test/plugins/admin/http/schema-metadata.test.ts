import { expect, test } from 'bun:test'
import { jobRoutes } from '../../../../plugins/admin/routes/jobs.ts'
import { logRoutes } from '../../../../plugins/admin/routes/logs.ts'
import { cacheAdminRoutes } from '../../../../plugins/cache/admin-routes.ts'

const composed = () =>
  [jobRoutes(undefined as never), logRoutes(undefined, () => 0), cacheAdminRoutes(undefined as never)].flatMap((app) =>
    app.openAPIRegistry.definitions.flatMap((each) => {
      const query = each.type === 'route' ? each.route.request?.query : undefined
      return query === undefined ? [] : Object.values((query as { shape?: object }).shape ?? {})
    }),
  )

test('the schemas of replaced compositions are not kept', async () => {
  const refs: WeakRef<object>[] = []
  for (let count = 0; count < 20; count += 1) refs.push(...composed().map((schema) => new WeakRef(schema)))
  const made = refs.length
  // A WeakRef holds its target until the end of the turn.
  for (let turn = 0; turn < 8; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    Bun.gc(true)
  }
  const alive = new Set(refs.flatMap((ref) => ref.deref() ?? []))
  // Constants of a module stay, and the stack may hold some; all stayed where they were kept.
  expect(made).toBeGreaterThan(60)
  expect(alive.size).toBeLessThan(made / 2)
})
