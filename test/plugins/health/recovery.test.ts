import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { systemClock } from '../../../core/process/clock.ts'
import { Health } from '../../../plugins/health/api.ts'
import health from '../../../plugins/health/index.ts'
import { testRuntime } from '../../../testing/index.ts'
import { type Instance, privateMariadb, privatePostgres, privateRedis, sharedUrl } from '../../support/services.ts'
import { until } from './kinds/support.ts'

// Real servers die and come back here, so time is real: the period and the timeout are as short as they may be.
const everyMs = 1_000
const timeoutMs = 500

/** A server and its children: PostgreSQL has a process for each connection. */
function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return [pid, ...children.map(Number)]
}

const servers = [
  { kind: 'postgres', start: privatePostgres, shared: sharedUrl('postgres') },
  { kind: 'redis', start: privateRedis, shared: sharedUrl('redis') },
  { kind: 'mariadb', start: privateMariadb, shared: sharedUrl('mariadb') },
]

describe.each(servers)('a $kind of its own', ({ kind, start, shared }) => {
  let server: Instance
  beforeAll(async () => {
    if (shared !== undefined) server = await start()
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
  }, 60_000)

  const boot = () =>
    testRuntime({
      plugins: [health],
      clock: systemClock,
      config: {
        plugins: {
          health: { checks: { it: { kind, url: server.url, every: '1s', timeout: '500ms', critical: true } } },
        },
      },
    })

  test.skipIf(shared === undefined)(
    'is down within interval and timeout after kill -9, and back by itself',
    async () => {
      await using runtime = await boot()
      const status = () => runtime.runtime.service(Health).checks()[0]!.status
      await until(() => status() === 'up', 5_000)
      await server.kill9()
      const downAfterMs = await until(() => status() === 'down', 5_000)
      // 250 ms of slack for the loop and for the polls of `until`.
      expect(downAfterMs).toBeLessThan(everyMs + timeoutMs + 250)
      expect((await runtime.fetch('/health')).status).toBe(503)
      await server.restart()
      await until(() => status() === 'up', 5_000)
      expect((await runtime.fetch('/health')).status).toBe(200)
    },
    60_000,
  )

  test.skipIf(shared === undefined)(
    'is down by timeout while it is stopped with SIGSTOP, answers do not wait, and it is back after SIGCONT',
    async () => {
      await using runtime = await boot()
      const check = () => runtime.runtime.service(Health).checks()[0]!
      await until(() => check().status === 'up', 5_000)
      const family = familyOf(server.pid)
      for (const pid of family) process.kill(pid, 'SIGSTOP')
      try {
        await until(() => check().status === 'down', everyMs + timeoutMs + 2_000)
        expect(check().message).toBe('no answer within 500 ms')
        const startedMs = performance.now()
        await (await runtime.fetch('/health/comprehensive')).text()
        // Far below the timeout of the check: the answer waits for no run.
        expect(performance.now() - startedMs).toBeLessThan(100)
      } finally {
        for (const pid of family) process.kill(pid, 'SIGCONT')
      }
      await until(() => check().status === 'up', 5_000)
    },
    60_000,
  )
})
