import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { systemClock } from '../../core/clock.ts'
import { catalog } from '../../plugins/catalog.ts'
import { testRuntime } from '../../testing/test-runtime.ts'

const proof = process.env.ARKWATCH_PROOF === '1'
const rounds = proof ? 1_000 : 100

const handles = () => ({
  files: readdirSync('/proc/self/fd').length,
  signals: ['SIGTERM', 'SIGINT', 'SIGHUP', 'exit', 'uncaughtException']
    .map((name) => process.listenerCount(name))
    .join(),
})

/** A clock that counts the timers that are armed. */
function countingClock() {
  const armed = new Set<number>()
  let next = 0
  const count = (arm: (ended: () => void) => () => void) => {
    const id = next++
    armed.add(id)
    const cancel = arm(() => armed.delete(id))
    return () => {
      armed.delete(id)
      cancel()
    }
  }
  return {
    armed,
    clock: {
      ...systemClock,
      after: (ms: number, call: () => void) =>
        count((ended) =>
          systemClock.after(ms, () => {
            ended()
            call()
          }),
        ),
      every: (...args: Parameters<typeof systemClock.every>) => count(() => systemClock.every(...args)),
    },
  }
}

test(`${rounds} reloads under load fail no request and leave no timer, handle or listener behind`, async () => {
  const { clock, armed } = countingClock()
  const config = (round: number) => ({
    server: { port: 0, drainDelay: '0s' },
    plugins: {
      logging: { console: { enabled: false }, level: round % 2 ? 'info' : 'warn' },
      metrics: { process: { every: `${15 + (round % 3)}s` }, labels: { round: String(round % 2) } },
      health: { checks: { disk: { kind: 'disk', path: '/', every: `${10 + (round % 5)}s` } } },
    },
  })
  await using booted = await testRuntime({ catalog, config: config(0), clock })
  const url = booted.runtime.status().listeners[0]!.url
  let running = true
  const seen = new Map<string, number>()
  const client = async (path: string) => {
    while (running) {
      const answer = await fetch(`${url}${path}`).then(
        async (response) => `${path} ${response.status} ${(await response.text()).length > 0}`,
        (error: Error) => `${path} ${error.message}`,
      )
      seen.set(answer, (seen.get(answer) ?? 0) + 1)
    }
  }
  const clients = ['/livez', '/readyz', '/metrics', '/health/comprehensive'].map(client)
  for (let round = 1; round <= 5; round += 1) await booted.reload(config(round))
  Bun.gc(true)
  const before = { ...handles(), timers: armed.size }
  for (let round = 6; round <= 5 + rounds; round += 1) await booted.reload(config(round))
  running = false
  await Promise.all(clients)
  expect([...seen.keys()].toSorted()).toEqual([
    '/health/comprehensive 200 true',
    '/livez 200 true',
    '/metrics 200 true',
    '/readyz 200 true',
  ])
  const after = { ...handles(), timers: armed.size }
  expect(after.signals).toBe(before.signals)
  expect(after.timers).toBeLessThanOrEqual(before.timers + 2)
  expect(after.files).toBeLessThanOrEqual(before.files + 4)
  expect(booted.runtime.status().generation).toBe(6 + rounds)
}, 240_000)
