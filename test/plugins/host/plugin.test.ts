import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { yieldToLoop } from '../../../core/process/clock.ts'
import { catalog } from '../../../plugins/catalog.ts'
import { Host } from '../../../plugins/host/api.ts'
import { HostConfig, hostCollectors, hostContext } from '../../../plugins/host/collectors/index.ts'
import host from '../../../plugins/host/index.ts'
import { Sampler } from '../../../plugins/host/sample.ts'
import { Metrics } from '../../../plugins/metrics/api.ts'
import { pluginContract, testClock, testRuntime } from '../../../testing/index.ts'
import { bootAdmin } from '../admin/support.ts'
import { recorder } from '../metrics/recorder.ts'

pluginContract(host)

const root = fileURLToPath(new URL('./collectors/fixtures/host', import.meta.url))
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

const boot = (plugins: Record<string, unknown>, more = {}) => testRuntime({ catalog, config: { ...more, plugins } })
type Booted = Awaited<ReturnType<typeof boot>>
const stateOf = ({ runtime }: Booted) => {
  const { state, reason } = runtime.status().plugins.find(({ name }) => name === 'host') ?? {}
  return [state, reason]
}
/** Lets real reads finish. @returns the exposition once it holds what is wanted */
async function exposed({ runtime, clock }: Booted, wanted: RegExp): Promise<string> {
  let text = ''
  for (let turn = 0; turn < 5_000 && !wanted.test(text); turn += 1) {
    await yieldToLoop()
    await clock.advance(5)
    if (turn % 20 === 0) text = await runtime.service(Metrics).expose()
  }
  expect(text).toMatch(wanted)
  return text
}

describe('metrics', () => {
  test('enables host, with the options of its own section', async () => {
    await using booted = await boot({ metrics: { host: { root, sets: ['load'] } } })
    expect(stateOf(booted)).toEqual(['ok', 'enabled by metrics'])
    await exposed(booted, /^process_cpu_seconds_total/m)
    const text = await exposed(booted, /^node_load1 0\.23$/m)
    expect(text).toContain('collector="metrics.host.load"')
    expect(text).not.toMatch(/^node_disk/m)
  })

  test('has no metrics of the host where host is off', async () => {
    await using booted = await boot({ metrics: {}, host: { enabled: false } })
    expect(stateOf(booted)).toEqual(['disabled', 'enabled: false'])
    expect(await exposed(booted, /^arkwatch_build_info/m)).not.toMatch(/metrics\.(host|process|event_loop)/)
  })

  test('reconfigures host on a reload, and the service stays', async () => {
    await using booted = await boot({ metrics: { host: { root, sets: ['load', 'fds'] } } })
    const sampled = booted.runtime.service(Host)
    await exposed(booted, /^node_filefd_allocated 755$/m)
    const steps = await booted.reload({ plugins: { metrics: { host: { root, sets: ['load'] } } } })
    expect(steps.map(({ plugin, action }) => [plugin, action])).toEqual([
      ['metrics', 'reconfigure'],
      ['host', 'reconfigure'],
    ])
    const text = await exposed(booted, /^node_load1 0\.23$/m)
    expect(text).not.toMatch(/^node_filefd/m)
    expect(booted.runtime.service(Host)).toBe(sampled)
  })

  test('keeps the series of host and the peace over a reload that changes how often host reads', async () => {
    const config = (every: string) => ({ plugins: { metrics: {}, host: { root, sets: ['load', 'fds'], every } } })
    await using booted = await boot(config('5s').plugins)
    await exposed(booted, /^node_load1 0\.23$/m)
    const lines = booted.lines.length
    const steps = await booted.reload(config('6s'))
    expect(steps.map(({ plugin, action }) => [plugin, action])).toContainEqual(['host', 'reconfigure'])
    await exposed(booted, /^node_load1 0\.23$/m)
    expect(booted.lines.slice(lines).filter(({ level }) => level !== 'info')).toEqual([])
    const status = booted.runtime.status().plugins.find(({ name }) => name === 'host')
    expect(status).toMatchObject({ state: 'ok', errors: 0 })
  })
})

test('host alone gives samples, without metrics', async () => {
  await using booted = await boot({ host: { root } })
  expect(stateOf(booted)).toEqual(['ok', ''])
  const sample = await booted.runtime.service(Host).sample('/')
  expect(sample).toMatchObject({
    cpu: { percent: expect.any(Number) },
    memory: { totalBytes: 24_684_096 * 1_024, availableBytes: 24_181_604 * 1_024 },
    disk: { percent: expect.any(Number), freeBytes: expect.any(Number) },
    load: [0.23, 0.15, 0.08],
  })
  // Without loopback.
  expect(sample.network).toEqual({
    receivedBytes: 236_271_632 + 10 + 5,
    receivedPackets: 5_908 + 1 + 1,
    sentBytes: 397_475 + 20 + 6,
    sentPackets: 3_313 + 2 + 1,
  })
})

test('a collection and a sample at the same time read once, and later samples compare with the sample before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'arkwatch-host-'))
  folders.push(folder)
  await mkdir(join(folder, 'proc'))
  const write = (busy: number, idle: number) =>
    writeFileSync(`${folder}/proc/stat`, `cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0\n`)
  write(100, 300)
  let asked = 0
  const clock = testClock()
  const statFs = async () => {
    asked += 1
    return { ...{ bsize: 1_048_576, frsize: 4_096 }, blocks: 1_000, bfree: 600, bavail: 500, files: 64, ffree: 32 }
  }
  const config = HostConfig.parse({ root: folder, sets: [] })
  const context = hostContext({ config, clock, statFs, freshMs: 200 })
  const sampler = new Sampler()
  const collect = hostCollectors(context, context)
    .find(({ name }) => name === 'metrics.host.filesystem')!
    .setup(recorder())
  const [sample] = await Promise.all([sampler.take(context, undefined), collect()])
  expect(asked).toBe(1)
  // At first since the boot.
  expect(sample.cpu.percent).toBe(25)
  expect(sample.disk).toEqual({
    ...{ totalBytes: 4_096_000, freeBytes: 2_048_000, usedBytes: 1_638_400 },
    percent: (400 / 900) * 100,
  })
  write(190, 310)
  expect((await sampler.take(context, undefined)).cpu.percent).toBe(25)
  expect(asked).toBe(1)
  await clock.advance(200)
  expect((await sampler.take(context, undefined)).cpu.percent).toBeCloseTo(90, 10)
  expect(asked).toBe(2)
})

describe('admin', () => {
  test('enables host where metrics is off', async () => {
    const plugins = { store: {}, audit: {}, admin: {}, metrics: { enabled: false } }
    await using booted = await boot(plugins, { server: { port: 0 } })
    expect(stateOf(booted)).toEqual(['ok', 'enabled by admin'])
  })

  test('says which plugin its endpoint needs where host is off', async () => {
    await using at = await bootAdmin({ config: { plugins: { host: { enabled: false } } } })
    expect(await at.codeOf('/admin/system/info')).toEqual([501, 'ADMIN_PLUGIN_MISSING'])
    expect(await at.get('/admin/metrics/system')).toMatchObject({ count: 0 } as never)
  })
})
