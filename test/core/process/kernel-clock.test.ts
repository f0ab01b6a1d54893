import { expect, test } from 'bun:test'
import { monotonicOrigin, systemClock } from '../../../core/process/clock.ts'
import { openKernelClock } from '../../../core/process/kernel-clock.ts'

const onLinux = test.if(process.platform === 'linux')

onLinux('the kernel tells the milliseconds since the boot, as /proc/uptime does', async () => {
  const clock = openKernelClock()!
  const before = clock()
  const uptimeMs = Number((await Bun.file('/proc/uptime').text()).split(' ')[0]) * 1_000
  const after = clock()
  // /proc/uptime has hundredths of a second.
  expect(uptimeMs).toBeGreaterThan(before - 20)
  expect(uptimeMs).toBeLessThan(after + 20)
})

onLinux('it never goes back, tells fractions of a microsecond, and outlives a collection of garbage', () => {
  const clock = openKernelClock()!
  let last = 0
  let steps = 0
  for (let at = 0; at < 20_000; at += 1) {
    if (at % 5_000 === 0) Bun.gc(true)
    const nowMs = clock()
    expect(nowMs).toBeGreaterThanOrEqual(last)
    if (nowMs > last && nowMs - last < 0.001) steps += 1
    last = nowMs
  }
  expect(steps).toBeGreaterThan(0)
})

test('the system clock and its origin are the wall clock together', () => {
  const before = performance.timeOrigin + performance.now()
  const wallMs = systemClock.monotonic() + monotonicOrigin
  const after = performance.timeOrigin + performance.now()
  // Both are read one after the other when the module is loaded, between which the process may have been put aside.
  expect(wallMs).toBeGreaterThan(before - 50)
  expect(wallMs).toBeLessThan(after + 50)
})

test('a worker thread keeps to performance.now()', async () => {
  const code = `import { openKernelClock } from '${new URL('../../../core/process/kernel-clock.ts', import.meta.url).pathname}'
postMessage(openKernelClock() === undefined)`
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'application/typescript' })))
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = reject
  })
  worker.terminate()
  expect(answer).toBe(true)
})
