/** Over 250 lines because all of it shares one runtime, which takes its time to boot. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { type Context, Hono } from 'hono'
import { definePlugin } from '../../../core/contract/definition.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { type AdminEnv, adminRoutes, operation } from '../../../plugins/admin/api.ts'
import { Idempotency, maxIdempotencyKeys } from '../../../plugins/admin/http/idempotency.ts'
import { Jobs, maxRunningJobs } from '../../../plugins/admin/jobs.ts'
import { JobSchema } from '../../../plugins/admin/routes/jobs.ts'
import { referencePage } from '../../../plugins/admin/routes/reference.ts'
import { eventText } from '../../../plugins/admin/streams/event-text.ts'
import { type AdminRuntime, adminKey, bootAdmin } from './support.ts'

// A thread is started, and the disk is waited for.
setDefaultTimeout(60_000)

const canary = 'CANARY-8f3b-do-not-show'
let faulty = false

/** A plugin of somebody else with routes, a secret, and a job that waits. */
const lamp = definePlugin({
  api: 1,
  name: 'lamp',
  version: '1.0.0',
  summary: 'Is a lamp.',
  config: z.strictObject({
    dsn: z.string().meta({ writeOnly: true }).default('').describe('Where.'),
    watts: z.int().min(1).default(40).describe('How bright.'),
  }),
  setup({ log, clock }) {
    clock.every(20, () => {
      const endMs = performance.now() + 1
      while (performance.now() < endMs);
      if (faulty) throw new Error('the bulb is broken')
    })
    const app = new OpenAPIHono<AdminEnv>()
    app.openapi(
      createRoute({
        ...operation({ id: 'lamp.wait', access: 'operator', summary: 'Waits until it is cancelled.' }),
        method: 'post',
        path: '/wait',
        responses: { 202: { description: 'It waits.', content: { 'application/json': { schema: JobSchema } } } },
      }),
      (c) =>
        c.var.startJob('lamp.wait', ({ signal, progress }) => {
          progress(0.5, 'waiting')
          return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)))
        }) as never,
    )
    app.openapi(
      createRoute({
        ...operation({ id: 'lamp.break', access: 'viewer', summary: 'Throws.' }),
        method: 'get',
        path: '/break',
        responses: { 200: { description: 'Never.' } },
      }),
      () => {
        throw new Error(`internal ${canary}`)
      },
    )
    for (const [method, access] of [
      ['get', 'viewer'],
      ['post', 'operator'],
    ] as const)
      app.openapi(
        createRoute({
          ...operation({ id: `lamp.forget-${method}`, access, summary: 'Returns nothing.' }),
          method,
          path: '/forget',
          responses: { 200: { description: 'Never.' } },
        }),
        ((c: Context) => void c.json({ lost: true })) as never,
      )
    return {
      contributes: [adminRoutes({ path: '/admin/lamp', app: () => app })],
      start: () => log.info('the lamp is on'),
    }
  },
})

/** A plugin whose routes are all refused. */
const stray = definePlugin({
  api: 1,
  name: 'stray',
  version: '1.0.0',
  summary: 'A test.',
  config: z.strictObject({}),
  setup() {
    const of = (id: string, path = '/') =>
      new OpenAPIHono<AdminEnv>().openapi(
        createRoute({
          ...operation({ id, access: 'viewer', summary: 'Shows nothing.' }),
          method: 'get',
          path,
          responses: { 200: { description: 'Nothing.' } },
        }),
        (c) => c.text('nothing'),
      )
    const open = new OpenAPIHono<AdminEnv>()
    open.get('/open', (c) => c.text('nobody declared who may see this'))
    return {
      contributes: [
        adminRoutes({ path: '/admin/other', app: () => open }),
        adminRoutes({ path: '/elsewhere', app: () => of('stray.elsewhere') }),
        adminRoutes({ path: '/admin/plugins', app: () => of('stray.plugins') }),
        adminRoutes({ path: '/admin/plugins', app: () => of('stray.plugin', '/{other}') }),
        adminRoutes({ path: '/admin/plain', app: () => new Hono() as never }),
      ],
    }
  },
})

let at: AdminRuntime
beforeAll(async () => {
  at = await bootAdmin({
    plugins: [lamp, stray],
    config: { plugins: { lamp: { dsn: `postgres://u:${canary}@db/x` }, stray: {} } },
    admin: {
      services: {
        good: { command: ['true'] },
        bad: { command: ['sh', '-c', 'echo $0; exit 3'] },
        missing: { command: ['/no/such/program'] },
        slow: { command: ['sleep', '60'], timeout: '1s' },
      },
      endpoints: { shutdown: 'unrestricted' },
      maxStreams: 4,
    },
  })
  await at.underContract()
})
afterAll(async () => {
  await at.stop()
  expect([...at.violations]).toEqual([])
})

/** Asks again until it is so; what happens is in another thread or process. */
async function eventually<T>(ask: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const value = await ask()
    if (good(value) || tries > 200) return value
    await Bun.sleep(20)
  }
}

test('refused routes are faults of the plugin that contributed them, each logged with the reason', async () => {
  const { plugins } = (await at.get('/admin/plugins')) as never as { plugins: { name: string; state: string }[] }
  expect(plugins.find(({ name }) => name === 'stray')).toMatchObject({ state: 'degraded', errors: 5 })
  const logged = JSON.stringify(await at.get('/admin/logs/recent?limit=1000&level=error'))
  for (const reason of [
    'GET /open is not declared by createRoute',
    '/elsewhere/ is not under /admin or /monitoring',
    'GET /admin/plugins belongs to admin',
    'GET /admin/plugins/{other} belongs to admin',
    '`app` must return an OpenAPIHono of @hono/zod-openapi',
  ])
    expect(logged).toContain(reason)
})

describe('plugins', () => {
  test('are listed with state and cost, shown, restarted, and turned off and on', async () => {
    const { plugins } = (await at.get('/admin/plugins')) as never as { plugins: { name: string; state: string }[] }
    expect(plugins.find(({ name }) => name === 'lamp')).toMatchObject({ state: 'ok', version: '1.0.0' })
    expect(await at.codeOf('/admin/plugins/nobody')).toEqual([404, 'ADMIN_NOT_FOUND'])
    const restarted = await at.get('/admin/plugins/lamp/restart', { method: 'POST' })
    expect(restarted.plugin).toMatchObject({ name: 'lamp', state: 'ok' })
    expect((await at.get('/admin/plugins/lamp/disable', { method: 'POST' })).plugin).toMatchObject({
      state: 'disabled',
    })
    expect((await at.send('/admin/lamp/break')).status).toBe(404)
    expect((await at.get('/admin/plugins/lamp/enable', { method: 'POST' })).plugin).toMatchObject({ state: 'ok' })
    expect((await at.send('/admin/lamp/break')).status).toBe(500)
    await at.get('/admin/plugins/lamp/restart', { method: 'POST' })
  })

  test.each(['admin', 'audit', 'store'])(
    '%s, which the API stands on, is restarted through it and not turned off',
    async (name) => {
      for (const verb of ['disable', 'enable'])
        expect(await at.codeOf(`/admin/plugins/${name}/${verb}`, { method: 'POST' })).toEqual([409, 'ADMIN_OWN_PLUGIN'])
      const restarted = await at.get(`/admin/plugins/${name}/restart`, { method: 'POST' })
      expect(restarted.plugin).toMatchObject({ name, state: 'ok' })
      expect(await at.get('/admin/audit?limit=5')).toMatchObject({
        records: expect.arrayContaining([
          expect.objectContaining({ action: 'plugins.restart', target: name, outcome: 'ok' }),
        ]),
      } as never)
      expect(await at.get('/admin/audit/verify')).toMatchObject({ ok: true } as never)
    },
  )

  test('show what they cost, what went wrong and since when they run', async () => {
    const lampNow = async () =>
      (await at.get('/admin/plugins/lamp')) as never as {
        cpu_ms: number
        errors: number
        started_at: string
        start_ms: number
        needs: string[]
        reason: string
        state: string
      }
    const before = await lampNow()
    expect(before).toMatchObject({ state: 'ok', reason: '', needs: [] })
    expect(Date.parse(before.started_at)).toBeLessThanOrEqual(Date.now())
    const busy = await eventually(lampNow, ({ cpu_ms }) => cpu_ms > before.cpu_ms + 5)
    expect(busy.cpu_ms).toBeGreaterThan(before.cpu_ms + 5)
    await at.get('/admin/loggers/lamp', { method: 'PUT', json: { level: 'info' } })
    await at.get('/admin/plugins/lamp/restart', { method: 'POST' })
    const after = await lampNow()
    expect(Date.parse(after.started_at)).toBeGreaterThan(Date.parse(before.started_at))
    expect(after.cpu_ms).toBeGreaterThanOrEqual(busy.cpu_ms)
    faulty = true
    const degraded = await eventually(lampNow, ({ errors }) => errors > after.errors)
    faulty = false
    expect(degraded).toMatchObject({
      state: 'degraded',
      reason: expect.stringContaining('the bulb is broken'),
    } as never)
    await at.get('/admin/plugins/lamp/restart', { method: 'POST' })
    const restarted = await lampNow()
    expect(restarted.state).toBe('ok')
    expect(restarted.errors).toBeGreaterThanOrEqual(degraded.errors)
    expect(await at.get('/admin/plugins/admin')).toMatchObject({ needs: ['runtime', 'store', 'audit'] } as never)
  })

  test('bring routes; one that does not say who may call it is left out, with its reason in the log', async () => {
    await at.get('/admin/openapi.json')
    expect((await at.send('/admin/other/open')).status).toBe(404)
    const logs = JSON.stringify(await at.get('/admin/logs/recent?limit=1000'))
    expect(logs).toContain('ADMIN_ROUTES_INVALID')
    expect(logs).toContain('is not declared by createRoute')
    expect(logs).toContain('not under /admin or /monitoring')
  })

  test('one that returns nothing is a 500, and not on record as done', async () => {
    expect((await at.send('/admin/lamp/forget')).status).toBe(500)
    expect((await at.send('/admin/lamp/forget', { method: 'POST' })).status).toBe(500)
    const { records } = (await at.get('/admin/audit?limit=5')) as never as { records: { action: string }[] }
    expect(records.find(({ action }) => action === 'lamp.forget-post')).toMatchObject({ outcome: 'INTERNAL' })
  })

  test('a fault of theirs is a 500 that says nothing of it', async () => {
    const response = await at.send('/admin/lamp/break')
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toContain(canary)
    expect(JSON.parse(text)).toMatchObject({ code: 'INTERNAL', title: 'Internal server error' })
    expect((await at.get('/admin/plugins/lamp')) as never).toMatchObject({
      state: 'degraded',
      reason: expect.stringContaining('a contribution to admin.routes threw'),
    })
    expect((await at.get('/admin/plugins/admin')) as never).toMatchObject({ state: 'ok' })
  })
})

describe('the configuration', () => {
  test('is shown without secrets and with the source of each value', async () => {
    const shown = JSON.stringify(await at.get('/admin/config'))
    expect(shown).not.toContain(canary)
    expect(shown).not.toContain(adminKey)
    expect(shown).toContain('"/plugins/lamp/watts":"default"')
  })

  test('is changed with If-Match, and the record holds the difference without secrets', async () => {
    const patch = { plugins: { lamp: { watts: 60, dsn: `postgres://u:${canary}2@db/x` } } }
    expect(await at.codeOf('/admin/config', { method: 'PATCH', json: patch })).toEqual([
      428,
      'ADMIN_PRECONDITION_REQUIRED',
    ])
    expect(
      await at.codeOf('/admin/config', { method: 'PATCH', json: patch, headers: { 'if-match': '"old"' } }),
    ).toEqual([412, 'CHANGE_STALE'])
    const etag = (await at.send('/admin/config')).headers.get('etag')!
    expect(
      await at.get('/admin/config', { method: 'PATCH', json: patch, headers: { 'if-match': etag } }),
    ).toMatchObject({ state: 'applied', by: 'ADMIN_API_KEY' })
    const { records } = (await at.get('/admin/audit?action=config.patch&limit=1')) as never as {
      records: { changes: unknown[] }[]
    }
    expect(records[0]!.changes).toEqual([
      { path: '/plugins/lamp/watts', before: 40, after: 60 },
      // All secrets look alike: the record says that one was set.
      { path: '/plugins/lamp/dsn', after: '[redacted]' },
    ])
    expect(JSON.stringify(await at.get('/admin/audit?limit=1000'))).not.toContain(canary)
  })

  test('a change that is not valid is 422 with its pointer, one that cannot be is refused, and nothing changes', async () => {
    const response = await at.send('/admin/config/apply', { json: { patch: { plugins: { lamp: { wats: 1 } } } } })
    expect(response.status).toBe(422)
    expect(((await response.json()) as { errors: unknown[] }).errors).toContainEqual(
      expect.objectContaining({ pointer: '/plugins/lamp/wats' }),
    )
    expect(await at.codeOf('/admin/config/apply', { json: { patch: { plugins: { lamp: { watts: 0 } } } } })).toEqual([
      422,
      'CONFIG_INVALID',
    ])
  })

  test('a change is planned, applied, confirmed or taken back', async () => {
    const patch = { plugins: { lamp: { watts: 75 } } }
    const planned = await at.get('/admin/config/plan', { json: { patch } })
    expect(planned.steps).toContainEqual({
      plugin: 'lamp',
      action: 'replace',
      reason: expect.any(String),
      state: 'lost',
    } as never)
    const { id } = await at.get('/admin/config/apply', {
      json: { patch, etag: planned.etag, confirm_within_seconds: 60 },
    })
    expect(await at.codeOf('/admin/config/apply', { json: { patch } })).toEqual([409, 'CHANGE_PENDING'])
    expect(await at.get(`/admin/config/changes/${id}/rollback`, { method: 'POST' })).toMatchObject({
      state: 'rolled-back',
    })
    expect(await at.codeOf(`/admin/config/changes/${id}/confirm`, { method: 'POST' })).toEqual([404, 'CHANGE_UNKNOWN'])
    const second = await at.get('/admin/config/apply', { json: { patch } })
    expect(await at.get(`/admin/config/changes/${second.id}/confirm`, { method: 'POST' })).toMatchObject({
      state: 'confirmed',
    })
    const { changes } = (await at.get('/admin/config/changes')) as never as { changes: { state: string }[] }
    expect(changes.slice(0, 2).map(({ state }) => state)).toEqual(['confirmed', 'rolled-back'])
  })
})

describe('the paths of the original gateway', () => {
  test('the disk is as full as df says', async () => {
    // The data folder of the test stands there. df rounds up to whole percents.
    const percent = Number.parseInt((await Bun.$`df --output=pcent ${tmpdir()}`.text()).split('\n')[1]!, 10)
    const { disk } = (await at.get('/admin/system/info')) as unknown as { disk: { percent: number } }
    expect(Math.abs(percent - disk.percent)).toBeLessThan(1.5)
  })

  test('the first sample of the system is there soon after the start, not a period later', async () => {
    let count = 0
    // The sample goes through the store's thread.
    for (let tries = 0; count === 0 && tries < 100; tries += 1) {
      await systemClock.sleep(20)
      const answer = (await (await at.send('/admin/metrics/system')).json()) as { count: number }
      count = answer.count
    }
    expect(count).toBeGreaterThan(0)
  })

  test('have their keys', async () => {
    const keys = async (path: string) => Object.keys(await at.get(path)).sort()
    expect(await keys('/admin/system/info')).toEqual(['cpu', 'disk', 'memory', 'network', 'process', 'timestamp'])
    expect(await keys('/admin/health/comprehensive')).toEqual(['status', 'timestamp'])
    expect(await keys('/admin/metrics/system')).toEqual(['count', 'metrics', 'next', 'time_range_hours', 'timestamp'])
    expect(await keys('/admin/logs/recent')).toEqual(['count', 'level_filter', 'limit', 'logs', 'timestamp'])
    expect(await keys('/admin/configuration')).toEqual(['configuration', 'timestamp'])
    expect(await keys('/admin/dashboard/summary')).toEqual([
      'health_status',
      'quick_stats',
      'recent_activity',
      'timestamp',
      'unavailable',
    ])
    expect(await keys('/monitoring/stats')).toEqual(['monitoring_stats', 'timestamp'])
  })

  test.each([
    '/admin/alerts',
    '/admin/services/status',
    '/admin/database/stats',
    '/admin/jobs/statistics',
    '/monitoring/alerts',
    '/monitoring/cache/stats',
  ])('%s is 501 until its plugin is there', async (path) =>
    expect(await at.codeOf(path)).toEqual([501, 'ADMIN_PLUGIN_MISSING']),
  )

  test.each(['hours=-1', 'hours=0', 'hours=721', 'hours=x', 'limit=0', 'limit=5001', 'cursor=x', 'hours=1e9'])(
    'metrics/system?%s is 422',
    async (query) => expect(await at.codeOf(`/admin/metrics/system?${query}`)).toEqual([422, 'ADMIN_INVALID']),
  )

  test.each<[string, unknown]>([
    ['/admin/maintenance/cleanup', { days: -1 }],
    ['/admin/maintenance/cleanup', { days: 'x' }],
    ['/admin/maintenance/cleanup', { days: 100_000 }],
    ['/admin/backup/create', { type: 'everything' }],
    ['/admin/performance/profile', { duration: 0 }],
    ['/admin/performance/profile', { duration: 1e9 }],
  ])('%s with %p is 422 before its plugin is missed', async (path, json) => {
    expect(await at.codeOf(path, { json })).toEqual([422, 'ADMIN_INVALID'])
    expect(await at.codeOf(path, { method: 'POST' })).toEqual([501, 'ADMIN_PLUGIN_MISSING'])
    expect(await at.codeOf(path, { json: {} })).toEqual([501, 'ADMIN_PLUGIN_MISSING'])
  })

  test('/metrics is JSON for those who ask for it, and Prometheus text for everybody else', async () => {
    const ask = (accept: string) => at.send('/metrics', { key: null, headers: { accept } })
    const response = await ask('application/json')
    expect(Object.keys((await response.json()) as object).sort()).toEqual(['metrics', 'timestamp', 'total_count'])
    for (const accept of [
      '*/*',
      'text/plain',
      'text/plain;q=0.9, application/json;q=0.5',
      'application/openmetrics-text',
    ])
      expect([accept, await (await ask(accept)).text()]).toEqual([accept, expect.stringContaining('# TYPE')])
  })

  test('a service is restarted by its configured command, a plugin for real, anything else not at all', async () => {
    const restart = (service: string) => at.codeOf('/admin/restart/service', { json: { service } })
    expect(await at.get('/admin/restart/service', { json: { service: 'good' } })).toMatchObject({
      kind: 'command',
      service: 'good',
    })
    expect(await at.get('/admin/restart/service', { json: { service: 'lamp' } })).toMatchObject({
      kind: 'plugin',
      message: 'Service lamp restarted',
    })
    expect(await restart('bad')).toEqual([502, 'ADMIN_COMMAND_FAILED'])
    expect(await restart('missing')).toEqual([502, 'ADMIN_COMMAND_FAILED'])
    expect(await restart('slow')).toEqual([502, 'ADMIN_COMMAND_FAILED'])
    expect(await restart('good; reboot')).toEqual([404, 'PLUGIN_NOT_THERE'])
  })
})

test('a log level is set for a while, and If-Match guards it', async () => {
  const etag = (await at.send('/admin/loggers')).headers.get('etag')!
  expect(
    await at.codeOf('/admin/loggers/lamp', { method: 'PUT', json: { level: 'warn' }, headers: { 'if-match': '"x"' } }),
  ).toEqual([412, 'ADMIN_PRECONDITION'])
  const { loggers } = (await at.get('/admin/loggers/lamp', {
    method: 'PUT',
    json: { level: 'warn', for_seconds: 60 },
    headers: { 'if-match': etag },
  })) as never as { loggers: { name: string }[] }
  expect(loggers.find(({ name }) => name === 'lamp')).toMatchObject({
    configured: 'warn',
    reverts_at: expect.any(String),
  } as never)
})

describe('jobs', () => {
  test('are answered 202, watched and cancelled', async () => {
    const response = await at.send('/admin/lamp/wait', { method: 'POST' })
    expect(response.status).toBe(202)
    const job = (await response.json()) as { id: string }
    expect(response.headers.get('location')).toBe(`/admin/jobs/${job.id}`)
    expect(await at.get(`/admin/jobs/${job.id}`)).toMatchObject({ state: 'running', progress: 0.5, note: 'waiting' })
    await at.send(`/admin/jobs/${job.id}`, { method: 'DELETE' })
    expect(
      (
        await eventually(
          () => at.get(`/admin/jobs/${job.id}`),
          ({ state }) => state !== 'running',
        )
      ).state,
    ).toBe('cancelled' as never)
    expect(await at.codeOf('/admin/jobs/nothing')).toEqual([404, 'ADMIN_NOT_FOUND'])
    expect(await at.codeOf(`/admin/jobs/${job.id}/file`)).toEqual([404, 'ADMIN_NOT_FOUND'])
  })

  test('are limited, and paged newest first', async () => {
    const ids: string[] = []
    for (let index = 0; index < maxRunningJobs; index += 1)
      ids.push((await at.get('/admin/lamp/wait', { method: 'POST' })).id!)
    expect(await at.codeOf('/admin/lamp/wait', { method: 'POST' })).toEqual([503, 'ADMIN_JOB_LIMIT'])
    for (const id of ids) await at.send(`/admin/jobs/${id}`, { method: 'DELETE' })
    const page = (await at.get('/admin/jobs?limit=2')) as never as { jobs: unknown[]; next: string }
    expect(page.jobs).toHaveLength(2)
    expect((await at.send(`/admin/jobs?limit=2&cursor=${page.next}`)).status).toBe(200)
    for (const cursor of ['x', '1', "1.'; DROP TABLE admin_jobs"])
      expect((await at.send(`/admin/jobs?cursor=${encodeURIComponent(cursor)}`)).status).toBe(422)
    // Page by page nothing is left out and nothing comes twice, also where jobs were made in the same millisecond.
    const all = ((await at.get('/admin/jobs?limit=200')) as never as { jobs: { id: string }[] }).jobs.map(
      ({ id }) => id,
    )
    const paged: string[] = []
    for (let next: string | null = ''; next !== null; ) {
      const each = (await at.get(`/admin/jobs?limit=1${next && `&cursor=${next}`}`)) as never as {
        jobs: { id: string }[]
        next: string | null
      }
      paged.push(...each.jobs.map(({ id }) => id))
      next = each.next
    }
    expect(paged).toEqual(all)
  })

  test('that ran when the process ended are failed, with that reason', async () => {
    const writes: { sql: string; params?: readonly unknown[] }[][] = []
    const area = {
      write: async (statements: never) => writes.push(statements),
      get: () => undefined,
      query: async () => [],
    }
    const jobs = new Jobs({ area: area as never, log: {} as never, clock: systemClock })
    await jobs.recover()
    expect(writes[0]![0]!.sql).toContain("SET state = 'failed'")
    expect(String(writes[0]![0]!.params?.[0])).toContain('INTERRUPTED')
  })

  test('that end while nothing can be written are shown as ended, and written later', async () => {
    const states: unknown[] = []
    let isFull = false
    const write = async ([{ sql, params }]: [{ sql: string; params: unknown[] }]) => {
      if (isFull) throw new Error('the disk is full')
      if (sql.startsWith('UPDATE')) states.push(params[0])
    }
    const rowOf = () => ({ id: job.id, state: 'running', result: null, error: null, file: null, endedAtMs: null })
    const area = { write, get: rowOf, query: async () => [rowOf()] }
    const logged: string[] = []
    const log = { error: (message: string) => logged.push(message) }
    const jobs = new Jobs({ area: area as never, log: log as never, clock: systemClock })
    const ran = Promise.withResolvers<undefined>()
    const job = await jobs.start('copy', 'me', () => ran.promise)
    isFull = true
    ran.resolve(undefined)
    await jobs.stop()
    expect(jobs.running).toBe(0)
    expect(await jobs.find(job.id)).toMatchObject({ state: 'cancelled' })
    expect(await jobs.list(1)).toMatchObject([{ state: 'cancelled' }])
    isFull = false
    await jobs.find(job.id)
    expect(states).toEqual(['cancelled'])
    expect(logged).toEqual(['the end of a job could not be kept'])
  })
})

describe('repeating a request with an Idempotency-Key', () => {
  test('gives the first answer again, and nothing is done twice', async () => {
    const body = { json: { name: 'once', role: 'viewer' }, headers: { 'idempotency-key': 'k1' } }
    const first = await at.send('/admin/keys', body)
    const again = await at.send('/admin/keys', body)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await again.json()).toEqual(await first.json())
    expect(await at.codeOf('/admin/keys', { ...body, json: { name: 'other', role: 'viewer' } })).toEqual([
      422,
      'ADMIN_IDEMPOTENCY_REUSED',
    ])
  })

  test('is 409 while the first is under way, forgets faults, and is bounded', async () => {
    let nowMs = 0
    const idempotency = new Idempotency(1_000, () => nowMs)
    const gate = Promise.withResolvers<Response>()
    const first = idempotency.once('a', 'k', ['x'], () => gate.promise)
    expect(await idempotency.once('a', 'k', ['x'], async () => new Response()).catch(({ code }) => code)).toBe(
      'ADMIN_IDEMPOTENCY_BUSY',
    )
    gate.resolve(new Response('no', { status: 500 }))
    await first
    expect(await (await idempotency.once('a', 'k', ['x'], async () => new Response('yes'))).text()).toBe('yes')
    for (let index = 0; index < maxIdempotencyKeys + 50; index += 1)
      await idempotency.once('a', `k${index}`, ['x'], async () => new Response())
    expect(idempotency.size).toBeLessThanOrEqual(maxIdempotencyKeys)
    const open = Promise.withResolvers<Response>()
    const busy = new Idempotency(1_000, () => nowMs)
    const waiting = Array.from({ length: maxIdempotencyKeys }, (_, index) =>
      busy.once('a', `k${index}`, ['x'], () => open.promise),
    )
    expect(await busy.once('a', 'more', ['x'], async () => new Response()).catch(({ code }) => code)).toBe(
      'ADMIN_IDEMPOTENCY_FULL',
    )
    open.resolve(new Response())
    await Promise.all(waiting)
    nowMs = 2_000
    await idempotency.once('a', 'last', ['x'], async () => new Response())
    expect(idempotency.size).toBe(1)
  })
})

describe('the event stream', () => {
  const open = async (query: string) => {
    const controller = new AbortController()
    const response = await at.send(`/admin/stream?${query}`, { signal: controller.signal })
    const reader = response.body?.getReader()
    let text = ''
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      async until(pattern: RegExp) {
        while (!pattern.test(text)) {
          const { done, value } = await reader!.read()
          if (done) break
          text += new TextDecoder().decode(value)
        }
        return text
      },
      close: () => controller.abort(),
    }
  }

  test('follows log lines and plugin states, filtered', async () => {
    const logs = await open('topics=logs&level=info&logger=lamp')
    const states = await open('topics=status')
    expect([logs.status, logs.type]).toEqual([200, 'text/event-stream; charset=utf-8'])
    await logs.until(/event: hello/)
    await at.send('/admin/loggers/lamp', { method: 'PUT', json: { level: 'info' } })
    await at.send('/admin/plugins/lamp/restart', { method: 'POST' })
    expect(await logs.until(/the lamp is on/)).not.toContain('"logger":"core"')
    expect(await states.until(/event: status/)).toContain('"name":"lamp"')
    expect(await at.codeOf('/admin/stream')).toEqual([503, 'ADMIN_STREAM_LIMIT'])
    logs.close()
    states.close()
  })

  test('takes the topics that there are', async () => {
    expect(await at.codeOf('/admin/stream?topics=secrets')).toEqual([422, 'ADMIN_INVALID'])
    expect(eventText('a', { b: 'c\nd' }, 1)).toBe('event: a\nid: 1\ndata: {"b":"c\\nd"}\n\n')
  })
})

test('the support bundle is plain text, complete, and without secrets', async () => {
  const job = await at.get('/admin/support-bundle', { json: { duration_seconds: 0 } })
  const done = await eventually(
    () => at.get(`/admin/jobs/${job.id}`),
    ({ state }) => state !== 'running',
  )
  expect(done).toMatchObject({ state: 'done' } as never)
  const response = await at.send(done.file!)
  const files = await new Bun.Archive(Bun.gunzipSync(new Uint8Array(await response.arrayBuffer()))).files()
  const names = [...files.keys()].sort()
  expect(names).toEqual([
    'README.txt',
    'changes.json',
    'config.json',
    'health.json',
    'log-levels.json',
    'log.jsonl',
    'metrics-end.prom',
    'metrics-start.prom',
    'status.json',
    'system.json',
    'versions.json',
  ])
  for (const [name, file] of files) {
    const text = await file.text()
    // The line of the lamp's own fault is its own: it threw a secret in the text of an error.
    const lines = text
      .split('\n')
      .filter((line) => !line.includes('an admin route failed') && !line.includes(`internal ${canary}`))
    for (const secret of [canary, adminKey]) expect([name, lines.join('\n').includes(secret)]).toEqual([name, false])
  }
})

test('the reference is a page that loads nothing from elsewhere and escapes what it shows', async () => {
  const page = await (await at.send('/admin/reference')).text()
  expect(page).toContain('/admin/config/apply')
  expect(page).not.toMatch(/(src|href)="https?:/)
  const evil = { info: { title: '<script>', version: '' }, paths: {}, components: {}, openapi: '', tags: [] }
  expect(String(referencePage(evil as never))).not.toContain('<script>')
})

test('an operator ends the process where the group is opened', async () => {
  await using last = await bootAdmin({ admin: { endpoints: { shutdown: 'unrestricted' } } })
  expect((await last.send('/admin/shutdown', { method: 'POST' })).status).toBe(202)
  await last.runtime.stopped
})
