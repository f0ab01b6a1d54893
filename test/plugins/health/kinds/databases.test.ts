import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { loadPackage } from '../../../../plugins/health/checks/load-package.ts'
import { sharedUrl } from '../../../support/services.ts'
import { blackHole, probeOf, runOnce, until } from './support.ts'

const canary = 'canary-8f21'
const databases = [
  { kind: 'postgres', url: sharedUrl('postgres'), scheme: 'postgres', more: { role: 'primary' } },
  { kind: 'mysql', url: sharedUrl('mariadb')?.replace('mysql:', 'mysql+pymysql:'), scheme: 'mysql', more: {} },
] as const

describe.each(databases)('$kind', ({ kind, url, scheme, more }) => {
  test.skipIf(url === undefined)('is up, with latency and connections, again and again on one connection', async () => {
    const probe = probeOf({ kind, url })
    const first = await probe.run(new AbortController().signal)
    expect(first).toMatchObject({ status: 'up', details: { connectionsMax: expect.any(Number), ...more } })
    expect(first.details!.connectionsUsed).toBeGreaterThan(0)
    // A generous bound in real time: the latency is measured and is in milliseconds.
    expect((await probe.run(new AbortController().signal)).latencyMs).toBeLessThan(1_000)
    probe.close?.()
  })

  test.skipIf(url === undefined)('is down with the server’s words when the account is wrong', async () => {
    const wrong = url!.replace(/\/\/[^@]*@/, `//stranger:${canary}@`)
    const result = await runOnce({ kind, url: wrong })
    expect(result.status).toBe('down')
    expect(result.message).toMatch(/password|denied|role/i)
    expect(JSON.stringify(result)).not.toContain(canary)
  })

  test('is down with a url that its driver cannot read, without the password', async () => {
    // The parser of the configuration takes a percent sign that encodes nothing; both drivers decode it.
    const result = await runOnce({ kind, url: `${scheme}://app:${canary}%zz@127.0.0.1:1/x` })
    expect(result).toMatchObject({ status: 'down', message: expect.stringContaining('URI') })
    expect(JSON.stringify(result)).not.toContain(canary)
  })

  test('is down at once where nobody listens', async () => {
    const result = await runOnce({ kind, url: `${scheme}://app:${canary}@127.0.0.1:1/x` })
    expect(result.status).toBe('down')
    expect(JSON.stringify(result)).not.toContain(canary)
  })
})

describe('redis', () => {
  const url = sharedUrl('redis')
  test.skipIf(url === undefined)('is up, with memory, clients and role', async () => {
    const result = await runOnce({ kind: 'redis', url, role: 'master' })
    expect(result).toMatchObject({ status: 'up', details: { role: 'master', clients: expect.any(Number) } })
    expect(result.details!.memoryUsedBytes).toBeGreaterThan(1_000)
  })

  test('is down at once where nobody listens', async () => {
    const result = await runOnce({ kind: 'redis', url: `redis://:${canary}@127.0.0.1:1` })
    expect(result).toMatchObject({ status: 'down', message: expect.stringContaining('ECONNREFUSED') })
    expect(JSON.stringify(result)).not.toContain(canary)
  })
})

describe('a server that accepts and never answers', () => {
  let hole: Awaited<ReturnType<typeof blackHole>>
  beforeAll(async () => {
    hole = await blackHole()
  })
  afterAll(() => hole.close())

  test.each(['postgres', 'mysql', 'redis'])('an abort ends a run of %s and destroys its connection', async (kind) => {
    const abort = new AbortController()
    const running = runOnce(
      { kind, url: `${kind}://app:${canary}@127.0.0.1:${hole.port}/0`, timeout: '1s' },
      abort.signal,
    )
    await until(() => hole.open() === 1, 2_000)
    abort.abort(new Error('its time is over'))
    const result = await running
    expect(result.status).toBe('down')
    expect(JSON.stringify(result)).not.toContain(canary)
    await until(() => hole.open() === 0, 2_000)
  })
})

describe('a package that is not installed', () => {
  test('is told with the line that installs it', async () => {
    const missing = 'a-package-that-is-not-installed'
    const loading = loadPackage('postgres', () => import(missing))
    await expect(loading).rejects.toMatchObject({
      code: 'HEALTH_PACKAGE_MISSING',
      message: 'package postgres is not installed: bun add postgres',
    })
    for (const kind of ['postgres', 'redis']) {
      const load = async (name: string) => loadPackage<never>(name, () => import(missing))
      const run = probeOf({ kind, url: `${kind}://127.0.0.1:1` }, { load }).run(new AbortController().signal)
      await expect(run).rejects.toThrow(/is not installed: bun add (postgres|ioredis)/)
    }
  })

  test('what fails while it loads is told as it is', async () => {
    const load = () => Promise.reject(new Error('broken'))
    await expect(loadPackage('postgres', load)).rejects.toThrow('broken')
  })
})
