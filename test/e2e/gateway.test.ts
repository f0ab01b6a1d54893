/** The example gateway as a real process: every endpoint, and what is left of them when its servers fail. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { SQL } from 'bun'
import { runLoad, verify } from '../../examples/gateway/load.ts'
import { newSecret, publicKeyOf, sign } from '../../examples/gateway/wallet.ts'
import { eventually, type GatewayProcess, loadOf, startGateway } from '../support/gateway-process.ts'
import { privatePostgres, privateRedis, sharedUrl } from '../support/services.ts'

setDefaultTimeout(120_000)
const root = join(import.meta.dir, '../..')
const [postgres, redis] = [sharedUrl('postgres'), sharedUrl('redis')]
const withServers = describe.skipIf(postgres === undefined || redis === undefined)
const requests = process.env.ARKWATCH_PROOF === '1' ? 20_000 : 600
/** Commits that were answered survive a kill of the server. */
const durable = { args: ['-c', 'synchronous_commit=on'] }

const names: string[] = []
const sharedServers = async () => {
  const name = `gateway_${crypto.randomUUID().replaceAll('-', '')}`
  names.push(name)
  await using sql = new SQL(postgres!, { max: 1 })
  await sql.unsafe(`CREATE DATABASE ${name}`)
  return { database: postgres!.replace(/\/[^/]*$/, `/${name}`), redis: redis!.replace(/\/\d*$/, '/9') }
}
afterAll(async () => {
  if (names.length === 0) return
  await using sql = new SQL(postgres!, { max: 1 })
  for (const name of names) await sql.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
})

/** As many as one order may have, unless told otherwise: a load confirms a tenth of its requests. */
const order = async (gateway: GatewayProcess, count = 10_000) => {
  const answer = await gateway.send('/vtxos/inventory/gbtc/replenish', { count, amount_sats: 10_000 })
  expect(answer.status).toBeLessThan(300)
}
const intent = { asset_id: 'gbtc', amount_sats: 5_000 }
const open = async (gateway: GatewayProcess, secret = newSecret()) => {
  const written = { user_pubkey: publicKeyOf(secret), session_type: 'p2p_transfer', intent_data: intent }
  const answer = await gateway.send('/sessions', written)
  const { session_id: id, challenge } = answer.body as { session_id: string; challenge: string }
  return { ...answer, id, written, signature: answer.status === 201 ? sign(secret, challenge) : '' }
}
/** A server and the processes that it works with. */
const withChildren = async (pid: number) => {
  const children = await Bun.file(`/proc/${pid}/task/${pid}/children`).text()
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}
const resumeProcess = (pid: number) => {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // It has ended.
  }
}
const isProblem = ({ headers, body }: { headers: Headers; body: unknown }, status: number) => {
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(body).toMatchObject({ type: 'about:blank', status, title: expect.any(String) })
}

withServers('the example gateway', () => {
  let gateway: GatewayProcess
  let servers: { database: string; redis: string }
  beforeAll(async () => {
    servers = await sharedServers()
    gateway = await startGateway(servers)
  })
  afterAll(() => gateway?.[Symbol.asyncDispose]())

  test('answers each endpoint, and counts what it did in its own and in the metrics of pool and cache', async () => {
    expect((await gateway.send('/')).body).toMatchObject({ message: 'Welcome to ArkRelay Gateway', status: 'running' })
    // By the rule of the gateway: ten that are missing, and ten for an empty inventory.
    expect(await gateway.send('/vtxos/inventory/gbtc/replenish', {})).toMatchObject({
      status: 201,
      body: { created: 20 },
    })
    expect(await gateway.send('/vtxos/inventory/gbtc/replenish', {})).toMatchObject({
      status: 200,
      body: { created: 0 },
    })
    const status = { asset_id: 'gbtc', total_vtxos: 20, utilization: 0, needs_replenishment: false }
    expect((await gateway.send('/vtxos/inventory/gbtc')).body).toEqual({
      inventory_status: { ...status, available_vtxos: 20, assigned_vtxos: 0 },
    } as never)
    const { id, written, signature } = await open(gateway)
    for (let turn = 0; turn < 3; turn += 1) {
      const read = { ...written, session_id: id, status: 'challenge_sent', result_data: null }
      expect((await gateway.send(`/sessions/${id}`)).body).toMatchObject(read)
    }
    const confirmed = await gateway.send(`/sessions/${id}/confirm`, { signature })
    expect(confirmed).toMatchObject({ status: 200, body: { session_id: id, status: 'completed' } })
    expect((await gateway.send(`/sessions/${id}/confirm`, { signature })).body).toEqual(confirmed.body)
    const { txid, vtxo_id } = confirmed.body as { txid: string; vtxo_id: string }
    expect((await gateway.send(`/sessions/${id}`)).body).toMatchObject({
      status: 'completed',
      result_data: { txid, vtxo_id },
    })
    expect((await gateway.send(`/transactions/${txid}`)).body).toMatchObject({
      ...{ txid, session_id: id, tx_type: 'p2p_transfer', status: 'pending', amount_sats: 5_000 },
    })
    expect((await gateway.send('/vtxos/inventory/gbtc')).body).toMatchObject({
      inventory_status: { available_vtxos: 19, assigned_vtxos: 1, utilization: 0.05 },
    })
    expect((await gateway.send('/sessions/stats')).body).toEqual({ sessions: { completed: 1 } } as never)
    const { jobs } = (await gateway.send('/jobs?limit=2')).body as { jobs: { job_id: string; job_type: string }[] }
    expect(jobs.map(({ job_type }) => job_type)).toEqual(['user_p2p_transfer', 'vtxo_replenishment'])
    expect((await gateway.send(`/jobs/${jobs[0]!.job_id}`)).body).toMatchObject({ status: 'completed' })
    expect((await gateway.send('/queue-status')).body).toMatchObject({
      queued_jobs: expect.any(Number),
      worker_count: 0,
    })
    const assets = await gateway.send('/assets')
    expect(assets.body).toMatchObject({ assets: [{ asset_id: 'gbtc' }, { asset_id: 'gusd' }] })
    const again = await fetch(`${gateway.url}/assets`, { headers: { 'if-none-match': assets.headers.get('etag')! } })
    expect(again.status).toBe(304)

    expect(await gateway.metric('arkrelay_sessions_created_total{session_type="p2p_transfer"}')).toBe(1)
    expect(await gateway.metric('arkrelay_vtxos_created_total{asset_id="gbtc"}')).toBe(20)
    expect(await gateway.metric('arkrelay_vtxos_assigned_total{asset_id="gbtc"}')).toBe(1)
    const processed = 'arkrelay_transactions_processed_total{transaction_type="p2p_transfer",status="pending"}'
    expect(await gateway.metric(processed)).toBe(1)
    const route = 'http_route="/sessions/:id",http_response_status_code="200"'
    expect(await gateway.metric(`http_server_request_duration_seconds_count{http_request_method="GET",${route}}`)).toBe(
      4,
    )
    // The session is read four times and loaded twice, the list of assets is read twice and loaded once, five others once each.
    const stats = await gateway.administer<{ cache_stats: object }>('/monitoring/cache/stats')
    expect(stats.cache_stats).toMatchObject({ hits: 3, local_hits: 3, redis_hits: 0, misses: 8, sets: 8, deletes: 2 })
    expect(await gateway.metric('arkwatch_cache_gets_total{result="memory"}')).toBe(3)
    expect(await gateway.metric('arkwatch_cache_loads_total{result="success"}')).toBe(8)

    const { pools } = await gateway.administer<{ pools: { default: Record<string, number> } }>('/admin/pool')
    expect(pools.default).toMatchObject({ active: 0, waiting: 0, max: 16, timeouts: 0, leaks: 0, unavailable: false })
    await using sql = new SQL(servers.database, { max: 1 })
    const count = async () => {
      const application = 'arkwatch-default'
      const rows = await sql`SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = ${application}`
      return rows[0].n as number
    }
    // The health check has one of the reserve besides.
    expect(await gateway.metric('arkwatch_pool_connections{pool="default"}')).toBe((await count()) - 1)
    const inserts = 'arkrelay_database_query_duration_seconds_count{query_type="insert"}'
    expect(await gateway.metric(inserts)).toBe(2 + 2 + 2)
  })

  test('refuses what is wrong with problem documents', async () => {
    const { id, signature } = await open(gateway)
    const wrong: [path: string, body: unknown, status: number][] = [
      ['/nothing', undefined, 404],
      ['/sessions/nothing', undefined, 404],
      ['/transactions/nothing', undefined, 404],
      ['/jobs/nothing', undefined, 404],
      ['/vtxos/inventory/nothing', undefined, 404],
      ['/jobs?limit=1000', undefined, 422],
      ['/sessions', {}, 422],
      [
        '/sessions',
        {
          user_pubkey: publicKeyOf(newSecret()),
          session_type: 'p2p_transfer',
          intent_data: { ...intent, asset_id: 'x' },
        },
        422,
      ],
      [`/sessions/${id}/confirm`, { signature: `00${signature.slice(2)}` }, 422],
      ['/sessions/nothing/confirm', { signature }, 404],
      ['/sessions', { padding: 'x'.repeat(70_000) }, 413],
    ]
    for (const [path, body, status] of wrong) {
      const answer = await gateway.send(path, body)
      expect({ path, status: answer.status }).toEqual({ path, status })
      isProblem(answer, status)
    }
    const noJson = await fetch(`${gateway.url}/sessions`, { method: 'POST', body: '{' })
    expect(noJson.status).toBe(400)
    const big = await open(gateway)
    expect(big.status).toBe(201)
    const { id: rich, signature: signed } = await (async () => {
      const secret = newSecret()
      const written = {
        user_pubkey: publicKeyOf(secret),
        session_type: 'p2p_transfer',
        intent_data: { ...intent, amount_sats: 20_000 },
      }
      const { session_id, challenge } = (await gateway.send('/sessions', written)).body as Record<string, string>
      return { id: session_id!, signature: sign(secret, challenge!) }
    })()
    isProblem(await gateway.send(`/sessions/${rich}/confirm`, { signature: signed }), 409)
  })

  test('says that it is well, and shows the public nothing else of what Arkwatch knows', async () => {
    expect((await gateway.send('/_ops/readyz')).status).toBe(200)
    expect((await gateway.send('/_ops/health')).body).toMatchObject({ status: 'up' })
    expect((await gateway.send('/_ops/metrics')).status).toBe(404)
    expect((await fetch(`${gateway.url}/admin/pool`)).status).toBe(404)
    expect((await fetch(`${gateway.admin}/admin/pool`)).status).toBe(401)
    const health = (await (await fetch(`${gateway.ops}/health/comprehensive`)).json()) as { checks: object }
    expect(Object.keys(health.checks).toSorted()).toEqual(['database', 'pool.default', 'redis', 'redis.shared'])
    expect(gateway.output()).not.toContain(new URL(servers.database).password)
  })

  test('runs the tour of its README', async () => {
    const readme = await Bun.file(join(root, 'examples/gateway/README.md')).text()
    const [, tour = ''] = /<!-- tour:start -->\s*```sh\n([\s\S]*?)```/.exec(readme) ?? []
    const script = tour.replace(/^API=.*$/m, `API=${gateway.url} OPS=${gateway.ops} ADMIN=${gateway.admin}`)
    const run = Bun.spawn(['bash', '-euo', 'pipefail', '-c', script], {
      cwd: root,
      env: { ...gateway.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
      stderr: 'pipe',
    })
    const [output, errors] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()])
    expect({ exit: await run.exited, errors }).toEqual({ exit: 0, errors: '' })
    for (const part of [
      ...[
        '"created":50',
        '"available_vtxos":',
        '"status":"challenge_sent"',
        '"tx_type":"p2p_transfer"',
        '"sessions":{',
      ],
      ...['user_p2p_transfer', '"queued_jobs":', '"ticker":"gBTC"', 'There is no session nothing', 'ok'],
      ...['"overall_healthy":true', 'arkrelay_sessions_created_total{', '"max":16', '"local_hits":'],
    ])
      expect(output.replaceAll(/":\s+/g, '":')).toContain(part)
  })

  test('has a load generator that prints throughput and latency', async () => {
    const command = [
      process.execPath,
      'examples/gateway/load.ts',
      gateway.url,
      '--requests',
      '200',
      '--concurrency',
      '4',
    ]
    const run = Bun.spawn(command, { cwd: root, stdout: 'pipe' })
    const output = await new Response(run.stdout).text()
    expect(output).toMatch(/│ read +│ \d+ +│ [\d.]+ +│/)
    expect(output).toMatch(/\d+ requests, \d+ a second, by status/)
    expect(await run.exited).toBe(0)
  })
})

withServers('under load, the example gateway', () => {
  test('gives no wrong answer while backends are killed', async () => {
    const servers = await sharedServers()
    await using gateway = await startGateway(servers)
    await order(gateway)
    await using sql = new SQL(servers.database, { max: 1 })
    const over = new AbortController()
    let killed = 0
    const killing = (async () => {
      while (!over.signal.aborted) {
        const rows = await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'arkwatch-default' ORDER BY random() LIMIT 1`
        killed += rows.length
        await Bun.sleep(50) // The server is another process.
      }
    })()
    const report = await runLoad({ url: gateway.url, requests, seconds: 60, concurrency: 12 })
    over.abort()
    await killing
    expect(report.failed).toEqual([])
    expect(await verify(report)).toEqual([])
    expect(killed).toBeGreaterThan(3)
    const states = new Set(report.model.known.map(({ state }) => state))
    expect(states.has('confirmed') && states.has('open')).toBe(true)
    // What took effect is in the database, once each.
    const confirmed = report.model.known.filter(({ state }) => state === 'confirmed').length
    const rows = await sql`SELECT count(*)::int AS n, count(DISTINCT session_id)::int AS sessions,
      (SELECT count(*)::int FROM vtxos WHERE status = 'assigned') AS assigned FROM transactions`
    expect(rows[0].n).toBe(rows[0].sessions)
    expect(rows[0].assigned).toBe(rows[0].n)
    expect(rows[0].n).toBeGreaterThanOrEqual(confirmed)
    expect(await gateway.metric('arkwatch_pool_connections_active{pool="default"}')).toBe(0)
  })

  test('serves what is cached while PostgreSQL is killed, refuses the rest in time, and recovers by itself', async () => {
    const database = await privatePostgres(durable)
    await using gateway = await startGateway({ database: database.url, redis: redis!.replace(/\/\d*$/, '/8') })
    try {
      await order(gateway)
      const { id, written } = await open(gateway)
      expect((await gateway.send(`/sessions/${id}`)).status).toBe(200)
      const endOfLoad = loadOf(gateway, 6)
      await eventually(async () => (await gateway.metric('arkwatch_cache_loads_total{result="success"}')) > 50)
      await database.kill9()
      for (let turn = 0; turn < 5; turn += 1) {
        const cached = await gateway.send(`/sessions/${id}`)
        expect(cached).toMatchObject({ status: 200, body: written })
        expect(cached.ms).toBeLessThan(2_000)
        const refused = await Promise.all([
          open(gateway),
          gateway.send(`/sessions/${crypto.randomUUID()}`),
          gateway.send('/jobs/x'),
        ])
        for (const answer of refused) {
          expect(answer.status).toBe(503)
          isProblem(answer, 503)
          expect(answer.headers.get('retry-after')).toBe('1')
          expect(answer.ms).toBeLessThan(5_000)
        }
      }
      expect((await gateway.send('/_ops/readyz')).status).toBe(200)
      await eventually(async () => (await gateway.send('/_ops/health')).status === 503)
      expect(await gateway.metric('arkwatch_pool_up{pool="default"}')).toBe(0)
      await database.restart()
      expect(await eventually(async () => (await open(gateway)).status === 201)).toBeLessThan(10_000)
      await eventually(async () => (await gateway.send('/_ops/health')).status === 200)
      const report = await endOfLoad()
      expect(report.failed).toEqual([])
      expect(await verify(report)).toEqual([])
      expect(report.statuses[503]).toBeGreaterThan(0)
      expect(gateway.child.exitCode).toBeNull()
    } finally {
      await database.stop()
    }
  })

  test('serves what is cached while PostgreSQL and Redis hang, refuses the rest in time, and recovers by itself', async () => {
    const [database, store] = await Promise.all([privatePostgres(durable), privateRedis()])
    await using gateway = await startGateway({ database: database.url, redis: store.url })
    const family = await withChildren(database.pid)
    try {
      await order(gateway, 100)
      const { id, written } = await open(gateway)
      expect((await gateway.send(`/sessions/${id}`)).status).toBe(200)
      for (const pid of [...(await withChildren(database.pid)), store.pid]) process.kill(pid, 'SIGSTOP')
      const loading = runLoad({ url: gateway.url, requests: 200, seconds: 12, concurrency: 4 })
      const cached = await gateway.send(`/sessions/${id}`)
      expect(cached).toMatchObject({ status: 200, body: written })
      expect(cached.ms).toBeLessThan(2_000)
      const read = await gateway.send(`/sessions/${crypto.randomUUID()}`)
      isProblem(read, 503)
      // The time limit of the load, and that of Redis before it.
      expect(read.ms).toBeLessThan(6_000)
      const write = await open(gateway)
      isProblem(write, 503)
      expect(write.ms).toBeLessThan(15_000)
      for (const pid of [...(await withChildren(database.pid)), store.pid]) process.kill(pid, 'SIGCONT')
      expect(await eventually(async () => (await open(gateway)).status === 201)).toBeLessThan(15_000)
      await eventually(async () => (await gateway.send('/queue-status')).status === 200)
      const report = await loading
      expect(report.failed).toEqual([])
      expect(await verify(report)).toEqual([])
    } finally {
      for (const pid of [...family, store.pid]) resumeProcess(pid)
      await Promise.all([database.stop(), store.stop()])
    }
  })

  test('goes on from memory and database while Redis is killed, and uses it again when it is back', async () => {
    const store = await privateRedis()
    await using gateway = await startGateway({ ...(await sharedServers()), redis: store.url })
    try {
      await order(gateway)
      expect((await gateway.send('/queue-status')).status).toBe(200)
      const endOfLoad = loadOf(gateway, 6)
      await eventually(async () => (await gateway.metric('arkwatch_cache_loads_total{result="success"}')) > 50)
      await store.kill9()
      const { id, status, written } = await open(gateway)
      expect(status).toBe(201)
      expect(await gateway.send(`/sessions/${id}`)).toMatchObject({ status: 200, body: written })
      const queue = await gateway.send('/queue-status')
      expect(queue.status).toBe(503)
      isProblem(queue, 503)
      expect(queue.ms).toBeLessThan(3_000)
      expect((await gateway.send('/_ops/readyz')).status).toBe(200)
      await store.restart()
      await eventually(async () => (await gateway.send('/queue-status')).status === 200)
      const report = await endOfLoad()
      expect(report.failed).toEqual([])
      expect(await verify(report)).toEqual([])
      expect(Object.keys(report.statuses).toSorted()).toEqual(['200', '201'])
      for (const { max } of Object.values(report.latency)) expect(max).toBeLessThan(3_000)
      expect(await gateway.metric('arkwatch_cache_redis_errors_total')).toBeGreaterThan(0)
    } finally {
      await store.stop()
    }
  })

  test('ends on SIGTERM without a failed request for those who heed its readiness', async () => {
    await using gateway = await startGateway(await sharedServers(), { DRAIN_DELAY: '1s' })
    await order(gateway)
    const endOfLoad = loadOf(gateway, 12)
    await eventually(async () => (await gateway.metric('arkwatch_cache_loads_total{result="success"}')) > 50)
    gateway.child.kill('SIGTERM')
    await eventually(async () => (await gateway.send('/_ops/readyz')).status === 503)
    const report = await endOfLoad()
    expect(report).toMatchObject({ failed: [], wrong: [] })
    expect(Object.keys(report.statuses).toSorted()).toEqual(['200', '201'])
    expect(report.requests).toBeGreaterThan(50)
    expect(await gateway.child.exited).toBe(0)
  })
})
