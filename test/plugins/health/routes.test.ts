import { describe, expect, test } from 'bun:test'
import type { PluginStatus, RuntimeStatus } from '../../../core/contract/runtime-api.ts'
import { healthRoutes } from '../../../plugins/health/answers/routes.ts'
import type { CheckReport, Health, OffCheck } from '../../../plugins/health/api.ts'
import { overallStatus } from '../../../plugins/health/checks/dependencies.ts'

const nowMs = Date.UTC(2026, 0, 1, 12)
const iso = (ms: number) => new Date(ms).toISOString()

const check = (name: string, changes: Partial<CheckReport> = {}): CheckReport => ({
  name,
  kind: 'custom',
  status: 'up',
  critical: false,
  groups: [],
  latencyMs: 1.234,
  observedAtMs: nowMs - 500,
  lastSuccessAtMs: nowMs - 500,
  changedAtMs: nowMs - 60_000,
  stale: false,
  parent: undefined,
  message: '',
  details: {},
  ...changes,
})

const plugin = (name: string, state: PluginStatus['state'], required: boolean, reason = ''): PluginStatus => ({
  name,
  version: '1.0.0',
  state,
  reason,
  required,
  provides: [],
  needs: [],
  wants: [],
  startMs: 0,
  startedAtMs: undefined,
  errors: 0,
  cpuMs: 0,
  taskMs: 0,
  hookMs: 0,
})

interface World {
  checks?: CheckReport[]
  off?: OffCheck[]
  status?: Partial<RuntimeStatus>
  pauseReason?: string
  ready?: 'auto' | 'group' | 'critical'
  details?: 'auto' | 'always' | 'never'
  version?: () => number
  monotonicMs?: () => number
}

function appOf({
  checks = [],
  off = [],
  status = {},
  pauseReason,
  ready = 'auto',
  details = 'auto',
  version = () => 0,
  monotonicMs = () => 0,
}: World = {}) {
  const health: Health = {
    status: () => overallStatus(checks),
    checks: () => checks,
    off: () => off,
    onChange: () => () => {},
  }
  const runtime: RuntimeStatus = {
    version: '0.1.0',
    environment: 'production',
    embedded: false,
    pid: 1,
    startedAtMs: 0,
    bootMs: 100,
    ready: true,
    stopping: false,
    paused: false,
    generation: 1,
    lastReload: { ok: true, atMs: 0 },
    listeners: [{ name: 'server', url: 'http://127.0.0.1:8080' }],
    plugins: [],
    ...status,
  }
  return healthRoutes({
    health,
    runtime: { status: () => runtime },
    eventLoop: { pauseReason },
    settings: () => ({ ready, details }),
    version: () => version(),
    clock: { now: () => nowMs, monotonic: () => monotonicMs() },
  })
}

const read = async (app: ReturnType<typeof appOf>, path: string, headers: Record<string, string> = {}) => {
  const response = await app.request(path, { headers })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

describe('probes in the form of Kubernetes', () => {
  test('a probe that holds says ok, as plain text that nobody caches', async () => {
    for (const path of ['/livez', '/readyz', '/startupz']) {
      const { status, text, headers } = await read(appOf(), path)
      expect([path, status, text]).toEqual([path, 200, 'ok'])
      expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })

  test('?verbose lists the parts', async () => {
    const app = appOf({ checks: [check('db', { groups: ['ready'] }), check('other')] })
    const { text } = await read(app, '/readyz?verbose')
    expect(text).toBe('[+]shutdown ok\n[+]boot ok\n[+]pause ok\n[+]db ok\nreadyz check passed\n')
    expect((await read(app, '/livez?verbose')).text).toBe('[+]ping ok\nlivez check passed\n')
  })

  test('a probe that fails is 503 and lists the parts with reasons', async () => {
    const db = check('db', { groups: ['ready'], status: 'down', message: 'connect ECONNREFUSED 127.0.0.1:5432' })
    const { status, text } = await read(appOf({ checks: [db] }), '/readyz')
    expect(status).toBe(503)
    expect(text).toContain('[-]db failed: connect ECONNREFUSED 127.0.0.1:5432\nreadyz check failed\n')
  })

  test('?exclude leaves parts out, any number of them, and tells of names that do not match', async () => {
    const bad = (name: string) => check(name, { groups: ['ready'], status: 'down', message: 'refused' })
    const app = appOf({ checks: [bad('db'), bad('cache')] })
    expect((await read(app, '/readyz?exclude=db')).status).toBe(503)
    expect(await read(app, '/readyz?exclude=db&exclude=cache')).toMatchObject({ status: 200, text: 'ok' })
    const { text } = await read(app, '/readyz?verbose&exclude=db&exclude=cache&exclude=ghost')
    expect(text).toContain('[+]db excluded: ok\n[+]cache excluded: ok\n')
    expect(text).toContain('warn: some health checks cannot be excluded: no matches for "ghost"\n')
  })

  test('/readyz/NAME is one part, and an unknown name is 404 as problem+json', async () => {
    const app = appOf({
      checks: [check('db', { groups: ['ready'], status: 'down', message: 'refused' }), check('web')],
    })
    expect(await read(app, '/readyz/db')).toMatchObject({
      status: 503,
      text: '[-]db failed: refused\nreadyz check failed\n',
    })
    expect(await read(app, '/readyz/boot')).toMatchObject({ status: 200, text: 'ok' })
    const { status, text, headers } = await read(app, '/readyz/web')
    expect([status, headers.get('content-type')]).toEqual([404, 'application/problem+json'])
    expect(JSON.parse(text)).toMatchObject({ title: 'Not found', status: 404 })
    expect((await read(app, '/livez/ping')).text).toBe('ok')
  })

  test('/livez depends on nothing outside', async () => {
    const status = { ready: false, stopping: true, plugins: [plugin('store', 'failed', true)] }
    const app = appOf({ checks: [check('db', { critical: true, status: 'down' })], pauseReason: 'snapshot', status })
    expect(await read(app, '/livez')).toMatchObject({ status: 200, text: 'ok' })
  })

  const cases: [string, World, string | undefined][] = [
    ['stopping', { status: { stopping: true, ready: false } }, '[-]shutdown failed: stopping'],
    ['booting', { status: { ready: false } }, '[-]boot failed: not all plugins have started'],
    ['an announced stall', { pauseReason: 'heap snapshot' }, '[-]pause failed: announced stall: heap snapshot'],
    [
      'a required plugin failed',
      { status: { plugins: [plugin('store', 'failed', true, 'disk full')] } },
      '[-]plugin.store failed: failed: disk full',
    ],
    ['a required plugin degraded', { status: { plugins: [plugin('store', 'degraded', true)] } }, undefined],
    ['an optional plugin failed', { status: { plugins: [plugin('store', 'failed', false)] } }, undefined],
    ['standalone, a critical check down', { checks: [check('db', { critical: true, status: 'down' })] }, undefined],
    [
      'embedded, a critical check down',
      { status: { embedded: true }, checks: [check('db', { critical: true, status: 'down' })] },
      '[-]db failed',
    ],
    [
      'embedded, a group is named, a critical check outside it down',
      {
        status: { embedded: true },
        checks: [check('db', { critical: true, status: 'down' }), check('web', { groups: ['ready'] })],
      },
      undefined,
    ],
    [
      'ready: critical, standalone, a critical check down',
      { ready: 'critical', checks: [check('db', { critical: true, status: 'down' })] },
      '[-]db failed',
    ],
    [
      'ready: group, embedded, a critical check down',
      { ready: 'group', status: { embedded: true }, checks: [check('db', { critical: true, status: 'down' })] },
      undefined,
    ],
    ['a check of the group degraded', { checks: [check('db', { groups: ['ready'], status: 'degraded' })] }, undefined],
    [
      'a check of the group without result',
      {
        checks: [
          check('db', { groups: ['ready'], status: 'unknown', observedAtMs: undefined, message: 'no result yet' }),
        ],
      },
      '[-]db failed: no result yet',
    ],
    [
      'the same while monitoring is paused',
      {
        status: { paused: true },
        checks: [check('db', { groups: ['ready'], status: 'unknown', observedAtMs: undefined })],
      },
      undefined,
    ],
  ]
  test.each(cases)('/readyz: %s', async (_, world, line) => {
    const { status, text } = await read(appOf(world), '/readyz')
    expect([status, text]).toEqual(line === undefined ? [200, 'ok'] : ([503, expect.stringContaining(line)] as never))
  })
})

describe('reports', () => {
  const checks = [
    check('db', { kind: 'postgres', critical: true, details: { connectionsUsed: 4, connectionsMax: 100 } }),
    check('cache', { status: 'down', message: 'refused', groups: ['web'] }),
    check('api', { status: 'unknown', parent: 'cache', message: 'parent cache is down', stale: true }),
  ]

  test('/health is the status with counts', async () => {
    const { status, text } = await read(appOf({ checks }), '/health')
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { status: 'degraded', checks: { up: 1, degraded: 0, down: 1, unknown: 1 }, timestamp: iso(nowMs) },
    ])
  })

  test('/health/comprehensive has every check with latency, age, last change and error', async () => {
    const off = [{ name: 'mysql', kind: 'mysql', reason: 'url is empty' }]
    const { status, text } = await read(appOf({ checks, off }), '/health/comprehensive')
    const body = JSON.parse(text)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      status: 'degraded',
      overall_healthy: true,
      off: { mysql: 'url is empty' },
      timestamp: iso(nowMs),
    })
    expect(body.checks.db).toEqual({
      healthy: true,
      status: 'up',
      kind: 'postgres',
      critical: true,
      groups: [],
      latency_ms: 1.23,
      last_change: iso(nowMs - 60_000),
      observed_at: iso(nowMs - 500),
      age_ms: 500,
      stale: false,
      details: { connectionsUsed: 4, connectionsMax: 100 },
    })
    expect(body.checks.cache).toMatchObject({ healthy: false, status: 'down', error: 'refused' })
    expect(body.checks.api).toMatchObject({ status: 'unknown', parent: 'cache', stale: true })
  })

  test('both are 503 when a critical check is down', async () => {
    const app = appOf({ checks: [check('db', { critical: true, status: 'down', message: 'refused' })] })
    expect((await read(app, '/health')).status).toBe(503)
    const { status, text } = await read(app, '/health/comprehensive')
    expect([status, JSON.parse(text).overall_healthy]).toEqual([503, false])
  })

  test('application/health+json is given to those who accept it', async () => {
    const accept = { accept: 'application/health+json' }
    const { status, text, headers } = await read(appOf({ checks }), '/health', accept)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/health+json'])
    const body = JSON.parse(text)
    expect(body).toMatchObject({ status: 'warn', version: '0', releaseId: '0.1.0' })
    expect(body.checks['db:responseTime']).toEqual([
      { componentType: 'datastore', observedValue: 1.23, observedUnit: 'ms', status: 'pass', time: iso(nowMs - 500) },
    ])
    expect(body.checks['db:connectionsUsed']).toMatchObject([{ observedValue: 4 }])
    expect(body.checks['cache:responseTime']).toMatchObject([{ status: 'warn', output: 'refused' }])
    const failed = await read(
      appOf({ checks: [check('db', { critical: true, status: 'down' })] }),
      '/health/comprehensive',
      accept,
    )
    expect([failed.status, JSON.parse(failed.text).status]).toEqual([503, 'fail'])
    const passed = await read(appOf({ checks: [check('db')] }), '/health', accept)
    expect([passed.status, JSON.parse(passed.text).status]).toEqual([200, 'pass'])
  })

  test('the shape of Spring Boot Actuator is given to those who ask for it', async () => {
    const accept = { accept: 'application/vnd.spring-boot.actuator.v3+json, application/json' }
    const slow = check('slow', { status: 'degraded', message: 'over 5 ms' })
    const all = [...checks, slow]
    const { status, text, headers } = await read(appOf({ checks: all }), '/health', accept)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/vnd.spring-boot.actuator.v3+json'])
    expect(JSON.parse(text)).toEqual({
      status: 'UP',
      components: {
        db: { status: 'UP', details: { connectionsUsed: 4, connectionsMax: 100 } },
        cache: { status: 'DOWN', details: { error: 'refused' } },
        api: { status: 'UNKNOWN', details: { parent: 'cache', error: expect.any(String) } },
        slow: { status: 'UP', details: { degraded: true, error: 'over 5 ms' } },
      },
    })
    const down = [check('db', { critical: true, status: 'down', message: 'refused' })]
    const failed = await read(appOf({ checks: down, details: 'never' }), '/health/comprehensive', accept)
    expect([failed.status, JSON.parse(failed.text)]).toEqual([
      503,
      { status: 'DOWN', components: { db: { status: 'DOWN', details: { error: 'reason withheld' } } } },
    ])
    const stopping = await read(appOf({ status: { stopping: true } }), '/health', accept)
    expect([stopping.status, JSON.parse(stopping.text).status]).toEqual([503, 'OUT_OF_SERVICE'])
  })

  test('the shape of Terminus is given to those who ask for it', async () => {
    const accept = { accept: 'application/vnd.nestjs.terminus+json' }
    const { status, text, headers } = await read(appOf({ checks }), '/health', accept)
    expect([status, headers.get('content-type')]).toEqual([200, 'application/vnd.nestjs.terminus+json'])
    const body = JSON.parse(text)
    expect(body.status).toBe('ok')
    expect(body.info).toEqual({ db: { status: 'up', connectionsUsed: 4, connectionsMax: 100 } })
    expect(body.error.cache).toEqual({ status: 'down', message: 'refused' })
    expect(Object.keys(body.details)).toEqual(['db', 'cache', 'api'])
    const down = appOf({
      checks: [check('db', { critical: true, status: 'down', message: 'refused' })],
      details: 'never',
    })
    const failed = await read(down, '/health', accept)
    expect(failed.status).toBe(503)
    expect(JSON.parse(failed.text)).toMatchObject({ status: 'error', error: { db: { message: 'reason withheld' } } })
    const stopping = await read(appOf({ checks, status: { stopping: true } }), '/health', accept)
    expect([stopping.status, JSON.parse(stopping.text).status]).toEqual([503, 'shutting_down'])
    expect(JSON.parse((await read(appOf({ checks, status: { stopping: true } }), '/health')).text).status).toBe(
      'degraded',
    )
  })

  test('?group= gives the checks of one group, an unknown one is 404', async () => {
    const app = appOf({ checks })
    expect(Object.keys(JSON.parse((await read(app, '/health/comprehensive?group=web')).text).checks)).toEqual(['cache'])
    expect((await read(app, '/health/comprehensive?group=ghost')).status).toBe(404)
  })

  /** An application that counts how often an answer is written. */
  function countingApp(world: Pick<World, 'version' | 'monotonicMs'>) {
    let written = 0
    const counting = new Proxy(checks, {
      get(target, key) {
        if (key === 'filter') written += 1
        return Reflect.get(target, key)
      },
    })
    const app = appOf({ checks: counting, ...world })
    return async () => {
      await read(app, '/health/comprehensive?group=web')
      return written
    }
  }

  test('an answer is written again after 100 ms or a change, and not for each request', async () => {
    let monotonicMs = 0
    let version = 0
    const ask = countingApp({ version: () => version, monotonicMs: () => monotonicMs })
    expect([await ask(), await ask()]).toEqual([1, 1])
    monotonicMs = 100
    expect([await ask(), await ask()]).toEqual([2, 2])
    version = 1
    expect([await ask(), await ask()]).toEqual([3, 3])
  })

  test('many different questions do not fill the memory', async () => {
    let version = 0
    const ask = countingApp({ version: () => version })
    for (; version < 33; version += 1) await ask()
    version = 32
    expect(await ask()).toBe(33)
    version = 0
    expect(await ask()).toBe(34)
  })

  const reachable = [{ name: 'server', url: 'http://0.0.0.0:8080' }]
  test.each([
    ['auto on loopback', { details: 'auto' as const }, true],
    ['auto on another address', { details: 'auto' as const, status: { listeners: reachable } }, false],
    ['auto without a listener', { details: 'auto' as const, status: { listeners: [] } }, false],
    ['always on another address', { details: 'always' as const, status: { listeners: reachable } }, true],
    ['never on loopback', { details: 'never' as const }, false],
  ])('errors and measured details are shown: %s', async (_, world, shown) => {
    const app = appOf({ ...world, checks: checks.map((one) => ({ ...one, groups: ['ready'] })) })
    const paths = ['/readyz', '/health/comprehensive', '/health']
    const texts = await Promise.all(
      paths.map(
        async (path) => (await read(app, path, path === '/health' ? { accept: 'application/health+json' } : {})).text,
      ),
    )
    for (const [at, text] of texts.entries()) {
      expect([paths[at], text.includes('refused')]).toEqual([paths[at], shown] as never)
      expect([paths[at], text.includes('reason withheld')]).toEqual([paths[at], !shown] as never)
    }
    expect(texts[1]!.includes('connectionsUsed')).toBe(shown)
  })
})
