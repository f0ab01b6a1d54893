import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Workers } from '../../../../core/contract/tasks.ts'
import type { StatFs } from '../../../../core/plugin.ts'
import { yieldToLoop } from '../../../../core/process/clock.ts'
import { HostConfig, type HostOptions, hostCollectors } from '../../../../plugins/host/collectors/index.ts'
import type { Inventory } from '../../../../plugins/host/collectors/tasks/inventory.ts'
import type { Collector, MetricType } from '../../../../plugins/metrics/api.ts'
import { registrationProblems } from '../../../../plugins/metrics/naming.ts'
import { type TestClock, testClock } from '../../../../testing/index.ts'
import { type Recorder, recorder } from '../../metrics/recorder.ts'

const root = fileURLToPath(new URL('./fixtures/host', import.meta.url))
const space: StatFs = { bsize: 1_048_576, frsize: 4096, blocks: 1000, bfree: 600, bavail: 500, files: 64, ffree: 32 }
/** The path on the host that a path below the fixture stands for. */
const inFixture = (path: string) => path.slice(root.length) || '/'

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true })
})

/** Sets up the collectors over the fixture; `run` collects once, a gap of the first collection included. */
function host(config: Record<string, unknown> = {}, options: Partial<HostOptions> = {}) {
  const clock = testClock()
  const metrics = recorder()
  const collectors = hostCollectors({
    config: { ...HostConfig.parse(config), root },
    clock,
    statFs: async () => space,
    ownRoot: root,
    ...options,
  })
  const runs = collectors.map((collector) => collector.setup(metrics))
  return { clock, metrics, collectors, run: () => collectAll(runs, clock) }
}

/** Reading files takes real turns of the event loop, so time moves on only when the reads are done. */
async function collectAll(runs: readonly (() => void | Promise<void>)[], clock: TestClock) {
  let open = true
  const all = Promise.all(runs.map((run) => run())).finally(() => {
    open = false
  })
  while (open) {
    await yieldToLoop()
    await clock.advance(5)
  }
  await all
}
const names = (metrics: Recorder) => new Set([...metrics.samples.keys()].map((key) => key.replace(/\{.*/, '')))
const seed = ['arkrelay_system_cpu_percent', 'arkrelay_system_disk_percent', 'arkrelay_system_memory_percent']

describe('on the fixture', () => {
  test('every set reports under the names of node_exporter', async () => {
    const { metrics, run } = host()
    await run()
    expect(metrics.value('node_cpu_seconds_total{cpu="1",mode="user"}')).toBe(70.59)
    expect(metrics.value('node_boot_time_seconds')).toBe(1795475085)
    expect(metrics.value('node_memory_total_bytes')).toBe(24684096 * 1024)
    expect(metrics.value('node_disk_read_bytes_total{device="vda"}')).toBe(2992034 * 512)
    expect(metrics.value('node_network_transmit_errs_total{device="eth0"}')).toBe(3)
    expect(metrics.value('node_load5')).toBe(0.15)
    expect(metrics.value('node_pressure_io_stalled_seconds_total')).toBe(5.593382)
    expect(metrics.value('node_pressure_cpu_waiting_seconds_total')).toBe(11.648944)
    expect(metrics.value('node_filefd_allocated')).toBe(755)
    expect(names(metrics)).toContain('arkwatch_host_info')
    expect([...metrics.samples.keys()].find((key) => key.startsWith('arkwatch_host_info'))).toContain(
      'os="Debian GNU/Linux 12 (bookworm)"',
    )
  })

  test('partitions, loop devices, ram disks and veth pairs are left out by default', async () => {
    const { metrics, run } = host({ sets: ['disk', 'network'] })
    await run()
    const devices = (name: string) =>
      [...metrics.samples.keys()].filter((key) => key.startsWith(name)).map((key) => /device="([^"]+)"/.exec(key)![1])
    expect(devices('node_disk_read_bytes_total')).toEqual(['vda', 'zram0', 'sda', 'nvme0n1'])
    expect(devices('node_network_receive_bytes_total')).toEqual(['lo', 'eth0', 'eth0:1'])
  })

  test('an empty selection leaves exactly the gauges of the seed', async () => {
    const { metrics, run, clock } = host({ sets: [] })
    await run()
    expect([...names(metrics)].sort()).toEqual(seed.slice(1))
    expect(metrics.value('arkrelay_system_disk_percent')).toBeCloseTo((400 / 900) * 100, 10)
    expect(metrics.value('arkrelay_system_memory_percent')).toBeGreaterThan(0)
    expect(clock.pending).toBe(0)
  })

  test('include and exclude choose devices', async () => {
    const { metrics, run } = host({ sets: ['disk'], disks: { include: ['sd*', 'vda'], exclude: ['sda?'] } })
    await run()
    expect(metrics.value('node_disk_io_now{device="sda"}')).toBe(0)
    expect(metrics.value('node_disk_io_now{device="vda"}')).toBe(3)
    expect(metrics.value('node_disk_io_now{device="sda1"}')).toBeUndefined()
    expect(metrics.value('node_disk_io_now{device="nvme0n1"}')).toBeUndefined()
  })

  test('what is over a limit is left out and counted', async () => {
    const { metrics, run } = host({ sets: ['cpu', 'disk'], maxCpus: 1, maxDevices: 1 })
    await run()
    expect(metrics.value('node_cpu_seconds_total{cpu="0",mode="idle"}')).toBe(2585)
    expect(metrics.value('node_cpu_seconds_total{cpu="1",mode="idle"}')).toBeUndefined()
    expect(metrics.value('arkwatch_host_items_over_limit{set="cpu"}')).toBe(1)
    expect(metrics.value('arkwatch_host_items_over_limit{set="disk"}')).toBe(3)
  })
})

test('every name and help keeps the rules that metrics are registered by', async () => {
  const { metrics, run } = host()
  await run()
  const problems = metrics.families.flatMap(({ name, type, help }) =>
    registrationProblems(name, type as MetricType, help),
  )
  expect(problems).toEqual([])
  expect(metrics.families.length).toBeGreaterThan(50)
})

describe('the inventory', () => {
  const inventory = (
    config: Record<string, unknown>,
    answer: () => Promise<Inventory>,
    options: Partial<HostOptions> = {},
  ) => {
    let asked = 0
    const run = () => {
      asked += 1
      return answer()
    }
    const made = host({ sets: ['info'], ...config }, { workers: { run } as unknown as Workers, ...options })
    const shown = () => [...made.metrics.samples.keys()].filter((key) => key.startsWith('arkwatch_host_info'))
    return { ...made, shown, asked: () => asked }
  }
  const full: Inventory = {
    ...{ os: 'Detailed 1', kernel: '6', arch: 'x64' },
    cpuModel: 'Model 2',
    physicalCores: 64,
    virtualization: 'kvm',
  }

  test('is taken once from files, without a worker', async () => {
    const { run, shown, asked } = inventory({}, async () => full)
    await run()
    await run()
    expect(asked()).toBe(0)
    expect(shown()).toHaveLength(1)
  })

  test('full fills what the files leave open, once, and replaces nothing that they give', async () => {
    const { run, shown, asked } = inventory({ inventory: 'full' }, async () => full)
    await run()
    await run()
    expect(asked()).toBe(1)
    expect(shown()).toHaveLength(1)
    expect(shown()[0]).toMatch(/os="Debian GNU\/Linux 12 \(bookworm\)".*physical_cores="64",virtualization="kvm"/)
    const [, plainModel] = /cpu_model="([^"]*)"/.exec(shown()[0]!)!
    expect(plainModel).toBe(os.cpus()[0]?.model || 'Model 2')
  })

  test('full keeps the container runtime, whatever hypervisor is below', async () => {
    const ownRoot = await mkdtemp(join(tmpdir(), 'arkwatch-host-'))
    folders.push(ownRoot)
    await Bun.write(join(ownRoot, '.dockerenv'), '')
    const { run, shown } = inventory({ inventory: 'full' }, async () => full, { ownRoot })
    await run()
    expect(shown()[0]).toContain('virtualization="docker"')
  })

  test('full keeps the plain values where the worker fails', async () => {
    const { run, shown } = inventory({ inventory: 'full' }, () => Promise.reject(new Error('package missing')))
    await run()
    expect(shown()[0]).toContain('os="Debian GNU/Linux 12 (bookworm)"')
  })
})

describe('file systems', () => {
  const mountpoints = (metrics: Recorder, name: string) =>
    [...metrics.samples.keys()]
      .filter((key) => key.startsWith(`${name}{`))
      .map((key) => /mountpoint="([^"]+)"/.exec(key)![1])

  const own = (config: Record<string, unknown>, options: Partial<HostOptions> = {}) =>
    host({ sets: ['filesystem'], ...config }, options)

  test('pseudo file systems are left out, blanks in names are kept', async () => {
    const { metrics, run } = own({})
    await run()
    expect(mountpoints(metrics, 'node_filesystem_size_bytes')).toEqual(['/', '/mnt/my disk', '/tmp', '/mnt/nfs'])
    expect(metrics.value('node_filesystem_avail_bytes{device="/dev/vda",fstype="ext4",mountpoint="/"}')).toBe(2_048_000)
    expect(metrics.value('node_filesystem_readonly{device="/dev/sdb1",fstype="xfs",mountpoint="/mnt/my disk"}')).toBe(1)
  })

  test('one that refuses has an error and no size', async () => {
    const { metrics, run } = own(
      {},
      { statFs: async (path) => (inFixture(path) === '/tmp' ? Promise.reject(new Error('EACCES')) : space) },
    )
    await run()
    expect(metrics.value('node_filesystem_device_error{device="tmpfs",fstype="tmpfs",mountpoint="/tmp"}')).toBe(1)
    expect(mountpoints(metrics, 'node_filesystem_size_bytes')).toEqual(['/', '/mnt/my disk', '/mnt/nfs'])
  })

  test('one that hangs is left out after a second, is not asked again while it hangs, and comes back', async () => {
    let asked = 0
    let answer = (_: StatFs) => {}
    const { metrics, run, clock } = own(
      {},
      {
        statFs: (path) => {
          if (inFixture(path) !== '/mnt/nfs') return Promise.resolve(space)
          asked += 1
          return asked === 1 ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(space)
        },
      },
    )
    const nfs = '{device="fileserver:/export",fstype="nfs4",mountpoint="/mnt/nfs"}'
    await run()
    expect(metrics.value(`node_filesystem_device_error${nfs}`)).toBe(1)
    expect(metrics.value('node_filesystem_size_bytes{device="/dev/vda",fstype="ext4",mountpoint="/"}')).toBe(4_096_000)
    await run()
    expect(asked).toBe(1)
    answer(space)
    await clock.advance(0)
    await run()
    expect(metrics.value(`node_filesystem_device_error${nfs}`)).toBe(0)
    expect(metrics.value(`node_filesystem_size_bytes${nfs}`)).toBe(4_096_000)
    expect(clock.pending).toBe(0)
  })
})

describe('the busy share of the CPUs', () => {
  test('needs two samples, and comes with the first collection all the same', async () => {
    const files = await mutableStat('cpu  100 0 0 100 0 0 0 0 0 0\n')
    const clock = testClock()
    const metrics = recorder()
    const collector = byName(
      hostCollectors({ config: { ...HostConfig.parse({ sets: [] }), root: files.root }, clock }),
      'cpu',
    )
    const collect = collector.setup(metrics)
    const first = Promise.resolve(collect())
    while (clock.pending === 0) await yieldToLoop()
    await files.write('cpu  130 0 0 170 0 0 0 0 0 0\n')
    await clock.advance(250)
    await first
    expect(metrics.value('arkrelay_system_cpu_percent')).toBeCloseTo(30, 10)
    await files.write('cpu  210 0 0 190 0 0 0 0 0 0\n')
    await collect()
    expect(metrics.value('arkrelay_system_cpu_percent')).toBeCloseTo(80, 10)
    await collect()
    expect(metrics.value('arkrelay_system_cpu_percent')).toBeCloseTo(80, 10)
    await files.write('nothing of use\n')
    await collect()
    expect(metrics.samples.size).toBe(0)
  })
})

test('a host without /proc reports no value, only what statfs says', async () => {
  const { metrics, run } = host({}, {})
  const empty = await mutableStat('')
  const bare = recorder()
  const clock = testClock()
  const collectors = hostCollectors({
    config: { ...HostConfig.parse({}), root: empty.root },
    clock,
    statFs: async () => space,
    ownRoot: empty.root,
  })
  await collectAll(
    collectors.map((collector) => collector.setup(bare)),
    clock,
  )
  expect([...names(bare)].sort()).toEqual([
    'arkrelay_system_disk_percent',
    'arkwatch_host_info',
    'arkwatch_host_items_over_limit',
  ])
  await run()
  expect(metrics.samples.size).toBeGreaterThan(80)
})

const byName = (collectors: readonly Collector[], name: string) =>
  collectors.find((collector) => collector.name === `metrics.host.${name}`)!

async function mutableStat(text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'arkwatch-host-'))
  folders.push(folder)
  const write = (next: string) => Bun.write(`${folder}/proc/stat`, next)
  await write(text)
  return { root: folder, write }
}
