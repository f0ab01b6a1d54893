import { expect, test } from 'bun:test'
import { readdirSync, readlinkSync } from 'node:fs'
import { catalog } from '../../plugins/catalog.ts'
import { testClock } from '../../testing/test-clock.ts'
import { testRuntime } from '../../testing/test-runtime.ts'

const proof = process.env.ARKWATCH_PROOF === '1'
const rounds = proof ? 1_000 : 100

const target = (descriptor: string) => {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return 'socket:[closed meanwhile]'
  }
}

const handles = () => ({
  /** All but sockets, whose number follows the clients of this process. */
  files: readdirSync('/proc/self/fd').filter((descriptor) => !target(descriptor).startsWith('socket:')).length,
  sockets: readdirSync('/proc/self/fd').filter((descriptor) => target(descriptor).startsWith('socket:')).length,
  signals: ['SIGTERM', 'SIGINT', 'SIGHUP', 'exit', 'uncaughtException']
    .map((name) => process.listenerCount(name))
    .join(),
})

test(`${rounds} reloads under load fail no request and leave no timer, handle or listener behind`, async () => {
  const clock = testClock()
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
  const count = () => ({ ...handles(), timers: clock.pending })
  /** Ends collections in progress, which have files of the kernel open, and what is remembered of one that was late. */
  const settled = async () => {
    let seen = count()
    for (let step = 0; step < 14; step += 1) {
      await clock.advance(10_000)
      for (let [same, tries] = [0, 0]; same < 5 && tries < 500; tries += 1) {
        await Bun.sleep(5)
        const now = count()
        same = now.files === seen.files && now.timers === seen.timers ? same + 1 : 0
        seen = now
      }
    }
    return seen
  }
  const clients = ['/livez', '/readyz', '/metrics', '/health/comprehensive'].map(client)
  for (let round = 1; round <= 5; round += 1) await booted.reload(config(round))
  const before = await settled()
  for (let round = 6; round <= 5 + rounds; round += 1) {
    await booted.reload(config(round))
    await Bun.sleep(1) // The clients live in this process, too.
  }
  running = false
  await Promise.all(clients)
  expect([...seen.keys()].toSorted()).toEqual([
    '/health/comprehensive 200 true',
    '/livez 200 true',
    '/metrics 200 true',
    '/readyz 200 true',
  ])
  expect([...seen.values()].reduce((sum, count) => sum + count)).toBeGreaterThan(rounds / 5)
  const after = await settled()
  expect(after.signals).toBe(before.signals)
  expect(after.timers).toBeLessThanOrEqual(before.timers)
  expect(after.files).toBeLessThanOrEqual(before.files)
  expect(after.sockets).toBeLessThanOrEqual(before.sockets + 2 * clients.length)
  expect(booted.runtime.status().generation).toBe(6 + rounds)
}, 240_000)
