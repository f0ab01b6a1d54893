import { describe, expect, test } from 'bun:test'
import { definePlugin, z } from '../../../core/plugin.ts'
import { Health, type HealthCheck, healthCheck } from '../../../plugins/health/api.ts'
import { buildSpecs } from '../../../plugins/health/check-specs.ts'
import { HealthConfig } from '../../../plugins/health/config.ts'
import health from '../../../plugins/health/index.ts'
import { kindOf } from '../../../plugins/health/kinds/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'

const problems = (checks: unknown): string =>
  JSON.stringify(HealthConfig.safeParse({ checks }).error?.issues.map(({ message }) => message) ?? [])

describe('the options of health', () => {
  test('{} is no check and no watchdog', () => {
    expect(HealthConfig.parse({})).toEqual({
      checks: {},
      ready: 'auto',
      details: 'auto',
      maxConcurrent: 64,
      jitter: 0.1,
      startupGrace: 0,
      watchdog: { host: '127.0.0.1', stuckAfter: 15_000, reportAfter: 1_000 },
    })
  })

  test.each([
    [{ a: { kind: 'ftp' } }, 'Invalid discriminator'],
    [{ a: { kind: 'tcp' } }, 'number'],
    [{ a: { kind: 'tcp', port: 1, evry: '1s' } }, 'Unrecognized key'],
    [{ a: { kind: 'tcp', port: 1, every: '10ms' } }, 'at least 1s'],
    [{ a: { kind: 'http', url: 'ftp://x' } }, 'http://'],
    [{ a: { kind: 'http', conditions: ['[STATUS] = 200'] } }, 'expected a comparison'],
    [{ a: { kind: 'http', degradedConditions: ['[STATE] == 200'] } }, 'expected [STATUS]'],
    [{ a: { kind: 'http', url: 'http://u:p@x/' } }, 'no credentials'],
    [{ a: { kind: 'postgres', url: 'sqlite:///x.db' } }, 'expected a url such as postgres://user:password@host'],
    [{ a: { kind: 'redis', url: 'memcached://x' } }, 'expected a url such as redis://:password@host'],
    [{ a: { kind: 'process' } }, 'either `pidFile` or `name`'],
    [{ a: { kind: 'process', name: 'x', pidFile: '/y' } }, 'either `pidFile` or `name`'],
    [{ 'a b': { kind: 'disk' } }, 'Invalid key'],
    [{ a: { kind: 'disk', dependsOn: ['b'] }, b: { kind: 'disk', dependsOn: ['a'] } }, 'a -> b -> a'],
  ])('%j is refused', (checks, message) => {
    expect(problems(checks)).toContain(message)
  })

  test('more than 1000 checks are refused', () => {
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`c${at}`, { kind: 'disk' }]))
    expect(problems(many)).toContain('at most 1000')
  })

  test.each([
    ['postgres', 'postgres://h/d', 'postgres'],
    ['postgres', 'mysql+pymysql://u:p@h/d', 'mysql'],
    ['postgres', 'mariadb://h/d', 'mysql'],
    ['mysql', 'postgresql+asyncpg://h/d', 'postgres'],
    ['mariadb', 'mariadb+mariadbconnector://h/d', 'mysql'],
    ['postgres', '', 'postgres'],
  ])('kind %s with url %p is checked as %s', (kind, url, expected) => {
    const { checks } = HealthConfig.parse({ checks: { database: { kind, url } } })
    expect(kindOf(checks.database!).name as string).toBe(expected)
  })

  test('a check whose url is empty is off, with the reason', () => {
    const config = HealthConfig.parse({
      checks: { a: { kind: 'postgres', url: '' }, b: { kind: 'http' }, c: { kind: 'redis' } },
    })
    const { specs, off } = buildSpecs(config, [])
    expect(specs).toEqual([])
    expect(off.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'a: url is empty',
      'b: url is empty',
      'c: url is empty',
    ])
  })

  test.each([
    [{ name: 'two words' }, 'name must be letters'],
    [{ name: 'a\nb' }, 'name must be letters'],
    [{ name: 'a', everyMs: 10 }, 'everyMs must be at least 100, got 10'],
    [{ name: 'a', everyMs: Number.NaN }, 'everyMs must be a number of milliseconds above 0, got NaN'],
    [{ name: 'a', timeoutMs: 0 }, 'timeoutMs must be a number of milliseconds above 0, got 0'],
    [{ name: 'a', timeoutMs: 300_001 }, 'timeoutMs must be at most 300000'],
    [{ name: 'a', groups: 5 }, 'groups must be a list of texts, got 5'],
    [{ name: 'a', critcal: true }, '"critcal" is unknown: did you mean "critical"?'],
  ])('a check of a plugin that cannot run is refused, and is a fault of that plugin: %j', async (changes, reason) => {
    const value = { run: () => ({ status: 'up' as const }), ...changes } as HealthCheck
    const mine = definePlugin({
      api: 1,
      name: 'mine',
      version: '1.0.0',
      summary: 'A test.',
      config: z.strictObject({}),
      setup: () => ({ contributes: [healthCheck(value)] }),
    })
    await using booted = await testRuntime({ plugins: [health, mine] })
    expect(booted.runtime.service(Health).checks()).toEqual([])
    const states = booted.runtime.status().plugins.map(({ name, state }) => `${name} ${state}`)
    expect(states).toEqual(['health ok', 'mine degraded'])
    expect(booted.runtime.status().plugins[1]!.reason).toContain(reason)
  })

  test('a listener of the signal of a check that throws at the timeout is a fault of its plugin', async () => {
    const run: HealthCheck['run'] = (signal) => {
      signal.addEventListener('abort', () => {
        throw new Error('socket already closed')
      })
      return new Promise(() => {})
    }
    const mine = definePlugin({
      ...{ api: 1, name: 'mine', version: '1.0.0', summary: 'A test.', config: z.strictObject({}) },
      setup: () => ({ contributes: [healthCheck({ name: 'slow', timeoutMs: 1_000, run })] }),
    })
    await using booted = await testRuntime({ plugins: [health, mine] })
    await booted.clock.advance(60_000)
    const { state, reason } = booted.runtime.status().plugins[1]!
    expect(state).toBe('degraded')
    expect(reason).toContain('socket already closed')
  })

  test('a check of a plugin whose name is taken is refused, and so is what is over the limit', () => {
    const config = HealthConfig.parse({ checks: { a: { kind: 'disk' } } })
    const run = () => ({ status: 'up' as const })
    const held: (string | undefined)[] = []
    const hold = (reason: string | undefined) => void held.push(reason)
    const check = (name: string) => ({ plugin: 'mine', value: { name, run }, fault() {}, hold })
    const many = Array.from({ length: 2_000 }, (_, at) => check(`c${at}`))
    const { specs } = buildSpecs(config, [check('a'), ...many])
    expect(specs).toHaveLength(2_000)
    expect(held.filter((reason) => reason !== undefined)).toEqual([
      'check a of plugin mine: the name is taken',
      'check c1999 of plugin mine: 2000 checks are the limit',
    ])
    expect(held).toHaveLength(2_001)
  })
})
