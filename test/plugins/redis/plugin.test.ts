import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { systemClock } from '../../../core/process/clock.ts'
import { Health } from '../../../plugins/health/api.ts'
import health from '../../../plugins/health/index.ts'
import metrics from '../../../plugins/metrics/index.ts'
import { Redis } from '../../../plugins/redis/api.ts'
import redis from '../../../plugins/redis/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { type Instance, privateRedis } from '../../support/services.ts'
import { codeOf, until } from './support.ts'

// A server is killed and started again.
setDefaultTimeout(30_000)

let server: Instance
beforeAll(async () => {
  server = await privateRedis({ args: ['--requirepass', 'canary-7f'] })
})
afterAll(() => server.stop())

const boot = (section: Record<string, unknown>) =>
  testRuntime({
    clock: systemClock,
    plugins: [redis, health, metrics],
    config: {
      plugins: { redis: { commandTimeout: '200ms', reconnectMax: '100ms', ...section }, health: {}, metrics: {} },
    },
  })
type Booted = Awaited<ReturnType<typeof boot>>

const url = () => server.url.replace('redis://', 'redis://:canary-7f@')
const stateOf = ({ runtime }: Booted) => runtime.status().plugins.find(({ name }) => name === 'redis')!
const checkOf = async (runtime: Booted) => {
  const response = await runtime.fetch('/health/comprehensive')
  const { checks } = (await response.json()) as { checks: Record<string, { status: string }> }
  return checks['redis.shared']?.status
}

describe('the plugin redis', () => {
  test('contributes a health check and metrics, of INFO too, and is degraded while the server is away', async () => {
    // Longer than a busy machine takes to start the application: no timeout is tested here.
    await using runtime = await boot({ url: url(), commandTimeout: '5s' })
    const service = runtime.runtime.service(Redis)
    for (let turn = 0; turn < 10; turn += 1) await service.call('PING')
    expect(stateOf(runtime).state).toBe('ok')
    await until(async () => (await checkOf(runtime)) === 'up')
    expect(runtime.runtime.service(Health).status()).toBe('up')
    let text = ''
    await until(async () => {
      text = await (await runtime.fetch('/metrics')).text()
      return /arkwatch_redis_memory_used_bytes \d{5,}/.test(text)
    })
    const seenOf = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
    expect(seenOf('arkwatch_redis_up')).toBe(1)
    expect(seenOf('arkwatch_redis_clients')).toBeGreaterThan(0)
    expect(text).toMatch(/^# TYPE arkwatch_redis_keyspace_hits_total counter$/m)
    expect(seenOf('arkwatch_redis_command_duration_seconds_count')).toBeGreaterThanOrEqual(10)
    expect(seenOf('arkwatch_redis_commands_total')).toBeGreaterThanOrEqual(10)
    await server.kill9()
    await until(() => stateOf(runtime).state === 'degraded')
    expect(JSON.stringify(runtime.runtime.status())).not.toContain('canary-7f')
    await server.restart()
    await until(() => stateOf(runtime).state === 'ok')
    expect(await service.call('PING')).toBe('PONG')
  })

  test('a password that is refused is a refusal that says so, without it', async () => {
    await using runtime = await boot({ url: server.url.replace('redis://', 'redis://:canary-wrong@') })
    const service = runtime.runtime.service(Redis)
    await until(async () => (await codeOf(service.call('PING'))) !== 'ok')
    const code = await codeOf(service.call('PING'))
    expect(['REDIS_UNAVAILABLE', 'REDIS_COMMAND_FAILED']).toContain(code)
    expect(JSON.stringify([runtime.runtime.status(), runtime.lines])).not.toContain('canary-wrong')
  })

  test('stopped while the server stands still, it ends what was sent, blocking commands and those behind them too', async () => {
    const calls: Promise<string>[] = []
    try {
      {
        await using runtime = await boot({ url: url() })
        const service = runtime.runtime.service(Redis)
        expect(await Promise.all([service.call('PING'), service.blocking(10, 'PING')])).toEqual(['PONG', 'PONG'])
        process.kill(server.pid, 'SIGSTOP')
        const pop = () => service.blocking(60_000, 'BLPOP', 'nothing', 60)
        calls.push(codeOf(service.call('PING')), codeOf(pop()), codeOf(pop()))
      }
      for (const code of await Promise.all(calls)) expect(code).toMatch(/^REDIS_(UNAVAILABLE|TIMEOUT)$/)
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
  })

  test('without a URL it is disabled, which is no error', async () => {
    await using runtime = await boot({})
    expect(stateOf(runtime)).toMatchObject({ state: 'disabled', reason: 'url is empty' })
  })
})
