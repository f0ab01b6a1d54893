import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type ArkwatchProcess, startArkwatch } from '../support/arkwatch-process.ts'
import { sharedUrl } from '../support/services.ts'

const database = sharedUrl('postgres')
const key = 'Kx7-correct-horse-battery-staple-9'
const contract = join(import.meta.dir, '../../core/plugin.ts')
const postgres = join(import.meta.dir, '../../node_modules/postgres/src/index.js')
// A process is started, and changes wait for their deadlines.
setDefaultTimeout(120_000)

/** Holds one connection to the database for all its life, and counts its requests. */
const keeper = `
import postgres from ${JSON.stringify(postgres)}
import { Hono } from ${JSON.stringify(join(import.meta.dir, '../../node_modules/hono'))}
import { definePlugin, z } from ${JSON.stringify(contract)}
export default definePlugin({
  api: 1, name: 'keeper', version: '1.0.0', summary: 'Keeps a connection.',
  config: z.strictObject({ dsn: z.string().describe('Where.') }),
  setup({ config }) {
    let served = 0
    let sql
    const routes = new Hono()
    routes.get('/keeper', async (c) => {
      const [{ pid }] = await sql\`SELECT pg_backend_pid() AS pid\`
      return c.json({ served: ++served, pid })
    })
    return {
      routes,
      start() { sql = postgres(config.dsn, { max: 1, idle_timeout: 0, max_lifetime: null }) },
      stop: () => sql.end({ timeout: 1 }),
    }
  },
})
`
const bad = 'postgres://nobody:CANARY-wrong-password@127.0.0.1:1/nowhere'

describe.skipIf(database === undefined)('a bad DSN applied under load', () => {
  let at: ArkwatchProcess
  const api = async (
    path: string,
    init: { method?: string; json?: unknown; headers?: Record<string, string> } = {},
  ) => {
    const { method = init.json === undefined ? 'GET' : 'POST', json, headers } = init
    const response = await fetch(`${at.url}${path}`, {
      method,
      ...(json !== undefined && { body: JSON.stringify(json) }),
      headers: { 'x-admin-key': key, 'content-type': 'application/json', ...headers },
    })
    return { status: response.status, etag: response.headers.get('etag'), body: (await response.json()) as never }
  }
  /** Asks again in real time: the instance is another process. */
  async function until<T>(ask: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      const value = await ask()
      if (good(value) || tries > 600) return value
      await Bun.sleep(50)
    }
  }
  const check = async (name: string) => {
    const { body } = await api('/admin/health/comprehensive')
    return (body as { status: { checks: Record<string, { status: string }> } }).status.checks[name]?.status
  }
  const generation = async () => ((await api('/admin/status')).body as { generation: number }).generation
  const keeperNow = async () => (await (await fetch(`${at.url}/keeper`)).json()) as { served: number; pid: number }

  beforeAll(async () => {
    const config = {
      plugins: {
        logging: { console: { enabled: false } },
        metrics: {},
        store: {},
        audit: {},
        admin: { apiKey: key, rateLimit: { requests: 1_000_000 } },
        pool: { url: database },
        health: { checks: { database: { kind: 'postgres', url: database, every: '1s', critical: true } } },
        keeper: { from: './keeper.mjs', dsn: database },
      },
    }
    at = await startArkwatch({ plugins: { logging: { console: { enabled: false } } } })
    writeFileSync(join(at.folder, 'keeper.mjs'), keeper)
    await at.write(config)
    await until(
      () => fetch(`${at.url}/keeper`).then((response) => response.status),
      (status) => status === 200,
    )
    await until(
      () => check('database'),
      (status) => status === 'up',
    )
  })
  afterAll(() => at?.stop())

  /** Asks the routes that a change must not touch, all the while. @returns how each was answered */
  async function underLoad(work: () => Promise<void>) {
    const statuses: Record<string, number> = {}
    let over = false
    const client = async (path: string) => {
      while (!over) {
        const status = await fetch(`${at.url}${path}`, { headers: { 'x-admin-key': key } }).then(
          async (response) => {
            await response.arrayBuffer()
            return String(response.status)
          },
          (error: Error) => error.message,
        )
        statuses[`${path} ${status}`] = (statuses[`${path} ${status}`] ?? 0) + 1
      }
    }
    const before = await keeperNow()
    // One connection that is there before and after.
    const socket = connect(Number(new URL(at.url).port), '127.0.0.1')
    let closed = false
    socket.on('close', () => {
      closed = true
    })
    const ask = () => {
      const answered = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))))
      socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
      return answered
    }
    const clients = ['/keeper', '/metrics', '/livez', '/admin/status'].map(client)
    const beat = setInterval(() => void ask(), 1_000)
    try {
      await work()
    } finally {
      clearInterval(beat)
      over = true
      await Promise.all(clients)
    }
    expect(closed).toBe(false)
    expect(await ask()).toContain('200')
    socket.destroy()
    expect(Object.keys(statuses).filter((each) => !each.endsWith(' 200'))).toEqual([])
    const after = await keeperNow()
    expect(after.pid).toBe(before.pid)
    expect(after.served).toBe(before.served + (statuses['/keeper 200'] ?? 0) + 1)
    expect(statuses['/keeper 200']).toBeGreaterThan(3)
  }

  test('to the checks: it is taken back as soon as readiness drops, and nobody else notices', async () => {
    const patch = { plugins: { health: { checks: { database: { url: bad } } } } }
    const { body } = await api('/admin/config/plan', { json: { patch } })
    const steps = (body as { steps: { plugin: string; action: string; state: string }[] }).steps
    expect(steps.find(({ plugin }) => plugin === 'health')).toMatchObject({ action: 'reconfigure', state: 'kept' })
    expect(steps.find(({ plugin }) => plugin === 'keeper')).toMatchObject({ action: 'untouched', state: 'kept' })
    await underLoad(async () => {
      const applied = await api('/admin/config/apply', { json: { patch, confirm_within_seconds: 60 } })
      expect(applied.status).toBe(200)
      const { body: after } = await until(
        () => api('/admin/config/changes'),
        ({ body: each }) => (each as { changes: { state: string }[] }).changes[0]?.state === 'rolled-back',
      )
      expect((after as { changes: unknown[] }).changes[0]).toMatchObject({
        state: 'rolled-back',
        reason: 'the check database is down',
      })
    })
    expect(existsSync(join(at.folder, 'data/overlay.yaml'))).toBe(false)
    expect(
      await until(
        () => check('database'),
        (status) => status === 'up',
      ),
    ).toBe('up')
  })

  test('to the pool: it is refused each time, and the old connections go on', async () => {
    const before = await generation()
    await underLoad(async () => {
      for (let round = 0; round < 10; round += 1) {
        const json = { patch: { plugins: { pool: { url: bad } } }, confirm_within_seconds: 60 }
        const { status, body } = await api('/admin/config/apply', { json })
        expect([status, (body as { code: string }).code]).toEqual([422, 'RELOAD_FAILED'])
        expect(JSON.stringify(body)).not.toContain('CANARY')
      }
    })
    expect(await generation()).toBe(before)
    expect(existsSync(join(at.folder, 'data/overlay.yaml'))).toBe(false)
    expect(
      await until(
        () => check('pool.default'),
        (status) => status === 'up',
      ),
    ).toBe('up')
  })

  test('to the pool, where another database answers: it is taken back when nobody confirms it', async () => {
    const other = new URL(database!)
    other.searchParams.set('application_name', 'elsewhere')
    await underLoad(async () => {
      const json = { patch: { plugins: { pool: { url: String(other) } } }, confirm_within_seconds: 2 }
      expect((await api('/admin/config/apply', { json })).status).toBe(200)
      const { body } = await until(
        () => api('/admin/config/changes'),
        ({ body: each }) => (each as { changes: { state: string }[] }).changes[0]?.state === 'rolled-back',
      )
      expect((body as { changes: { reason: string }[] }).changes[0]!.reason).toBe('no confirmation came in time')
    })
    expect(existsSync(join(at.folder, 'data/overlay.yaml'))).toBe(false)
    expect(
      await until(
        () => check('pool.default'),
        (status) => status === 'up',
      ),
    ).toBe('up')
  })

  test('a change through the API is loaded once; one of config.yaml is still noticed', async () => {
    const before = await generation()
    const { etag } = await api('/admin/config')
    const patch = { plugins: { metrics: { path: '/measures' } } }
    expect((await api('/admin/config', { method: 'PATCH', json: patch, headers: { 'if-match': etag! } })).status).toBe(
      200,
    )
    expect(await generation()).toBe(before + 1)
    // Longer than the watcher waits for a file to be quiet.
    await Bun.sleep(1_500)
    expect(await generation()).toBe(before + 1)
    const file = Bun.file(at.configFile)
    await Bun.write(at.configFile, `${await file.text()}\n# changed\nenvironment: development\n`)
    expect(await until(generation, (each) => each > before + 1)).toBe(before + 2)
  })
})
