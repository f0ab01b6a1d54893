import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { LoopDelay } from '../../../../core/plugin.ts'
import { ProcessConfig, processCollectors } from '../../../../plugins/host/collectors/index.ts'
import type { MetricType } from '../../../../plugins/metrics/api.ts'
import { registrationProblems } from '../../../../plugins/metrics/naming.ts'
import { longestTurn } from '../../../support/longest-turn.ts'
import { recorder } from '../../metrics/recorder.ts'

const measured = { minMs: 0, meanMs: 0.5, p50Ms: 0.1, p90Ms: 2, p99Ms: 20, maxMs: 80 }

async function collected(root?: string, delay: LoopDelay = measured) {
  const metrics = recorder()
  const collectors = processCollectors({ delay: () => delay }, 15_000, root)
  for (const collector of collectors) await collector.setup(metrics)()
  return { metrics, collectors }
}

test('the values agree with what the kernel says about this process', async () => {
  const { metrics } = await collected()
  const status = readFileSync('/proc/self/status', 'utf8')
  const residentBytes = Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024
  expect(metrics.value('process_resident_memory_bytes')! / residentBytes).toBeCloseTo(1, 0)
  // Columns 14, 15 and 22 of `/proc/self/stat`, counted from the end of the name: ticks of 1/100 s.
  const stat = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .map(Number)
  expect(Math.abs(metrics.value('process_cpu_seconds_total')! - (stat[11]! + stat[12]!) / 100)).toBeLessThan(0.5)
  const boot = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))![1])
  expect(Math.abs(metrics.value('process_start_time_seconds')! - (boot + stat[19]! / 100))).toBeLessThan(3)
  expect(Math.abs(metrics.value('process_open_fds')! - (readdirSync('/proc/self/fd').length - 1))).toBeLessThan(5)
  expect(metrics.value('process_max_fds')).toBeGreaterThan(0)
})

test('user and system time add up, and the main thread has no more than the process', async () => {
  const { metrics } = await collected()
  const total = metrics.value('process_cpu_seconds_total')!
  expect(
    metrics.value('process_cpu_user_seconds_total')! + metrics.value('process_cpu_system_seconds_total')!,
  ).toBeCloseTo(total, 6)
  expect(metrics.value('arkwatch_main_thread_cpu_seconds_total')).toBeLessThanOrEqual(total + 0.05)
  expect(metrics.value('arkwatch_main_thread_cpu_seconds_total')).toBeGreaterThan(0)
})

test('the heap grows with what is held', async () => {
  Bun.gc(true)
  const before = (await collected()).metrics.value('nodejs_heap_size_used_bytes')!
  const held = Array.from({ length: 200_000 }, (_, index) => ({ index }))
  Bun.gc(true)
  const after = (await collected()).metrics.value('nodejs_heap_size_used_bytes')!
  expect(after - before).toBeGreaterThan(1_000_000)
  expect(held.length).toBe(200_000)
})

test('the delay of the event loop is given in seconds', async () => {
  const { metrics } = await collected()
  const lag = [...metrics.samples].filter(([name]) => name.startsWith('nodejs_eventloop_lag'))
  expect(lag.map(([name, value]) => [name.replace(/^nodejs_eventloop_lag_|_seconds$/g, ''), value])).toEqual([
    ...([
      ['min', 0],
      ['mean', 0.0005],
      ['p50', 0.0001],
      ['p90', 0.002],
      ['p99', 0.02],
      ['max', 0.08],
    ] as [string, number][]),
  ])
})

test('the delay of the event loop is left out before the first reading', async () => {
  const unread = { minMs: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 }
  const { metrics } = await collected(undefined, unread)
  expect([...metrics.samples.keys()].filter((name) => name.startsWith('nodejs_eventloop_lag'))).toEqual([])
})

test('descriptors are counted without the one that counts them', async () => {
  const { metrics } = await collected(fileURLToPath(new URL('./fixtures/host', import.meta.url)))
  expect(metrics.value('process_open_fds')).toBe(3)
  expect(metrics.value('process_max_fds')).toBe(20_000)
})

test('without /proc only what the runtime knows is reported', async () => {
  const { metrics } = await collected('/nowhere')
  expect(metrics.value('process_open_fds')).toBeUndefined()
  expect(metrics.value('process_max_fds')).toBeUndefined()
  expect(metrics.value('process_resident_memory_bytes')).toBeGreaterThan(0)
})

test('every name and help keeps the rules that metrics are registered by', async () => {
  const { metrics } = await collected()
  expect(
    metrics.families.flatMap(({ name, type, help }) => registrationProblems(name, type as MetricType, help)),
  ).toEqual([])
})

test('what Bun misreports is not there', async () => {
  const { metrics } = await collected()
  const names = metrics.families.map((family) => family.name).join(' ')
  expect(names).not.toMatch(/virtual_memory|heap_space|heap_size_total|active_|gc_duration|utilization|process_heap/)
})

test('collecting never stands still for 5 ms, even with a million objects on the heap', async () => {
  const held = Array.from({ length: 1_000_000 }, (_, index) => ({ index }))
  const metrics = recorder()
  const [collector] = processCollectors({ delay: () => measured }, 15_000)
  const collect = collector!.setup(metrics)
  await collect()
  // Real time: how long the thread stands still is what is measured; the least of several runs leaves other load out.
  const longest: number[] = []
  for (let run = 0; run < 5; run += 1) longest.push(await longestTurn(collect))
  expect(Math.min(...longest)).toBeLessThan(5)
  expect(held.length).toBe(1_000_000)
})

test('the configuration parses empty and says 15 s', () => {
  expect(ProcessConfig.parse({})).toEqual({ every: 15_000 })
})
