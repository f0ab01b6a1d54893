import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { systemClock } from '../../../../core/process/clock.ts'
import { HostConfig, hostCollectors } from '../../../../plugins/host/collectors/index.ts'
import inventory from '../../../../plugins/host/collectors/tasks/inventory.ts'
import { freePort } from '../../../../scripts/services/free-port.ts'
import { longestTurn } from '../../../support/longest-turn.ts'
import { type Recorder, recorder } from '../../metrics/recorder.ts'

const isLinux = process.platform === 'linux'
const nodeExporter = process.env.ARKWATCH_TEST_NODE_EXPORTER_BIN

/** Collectors over the host on which the tests run; real time passes once, between the first two CPU samples. */
function realHost(): { metrics: Recorder; collect(): Promise<void>; runs: readonly (() => void | Promise<void>)[] } {
  const metrics = recorder()
  const collectors = hostCollectors({ config: HostConfig.parse({}), clock: systemClock })
  const runs = collectors.map((collector) => collector.setup(metrics))
  return { metrics, runs, collect: async () => void (await Promise.all(runs.map((run) => run()))) }
}

const output = async (...command: string[]) => new Response(Bun.spawn(command, { stdin: 'ignore' }).stdout).text()

describe.skipIf(!isLinux)('this host', () => {
  test('its disk share is what df says', async () => {
    const { metrics, collect } = realHost()
    await collect()
    const [used, available] = (await output('df', '-B1', '--output=used,avail', '/'))
      .split('\n')[1]!
      .trim()
      .split(/\s+/)
    const percent = (Number(used) / (Number(used) + Number(available))) * 100
    expect(Math.abs(metrics.value('arkrelay_system_disk_percent')! - percent)).toBeLessThan(0.5)
  })

  test('its memory is what free says', async () => {
    const { metrics, collect } = realHost()
    await collect()
    const columns = (await output('free', '-b')).split('\n')[1]!.trim().split(/\s+/).map(Number)
    const [total, available] = [columns[1]!, columns[6]!]
    expect(metrics.value('node_memory_total_bytes')).toBe(total)
    expect(
      Math.abs(metrics.value('arkrelay_system_memory_percent')! - ((total - available) / total) * 100),
    ).toBeLessThan(3)
  })

  test('its memory, file systems and system are what systeminformation says', async () => {
    const { default: machine } = await import('systeminformation')
    const { metrics, collect } = realHost()
    await collect()
    const [memory, sizes] = await Promise.all([machine.mem(), machine.fsSize()])
    expect(metrics.value('node_memory_total_bytes')).toBe(memory.total)
    expect(metrics.value('node_memory_swap_total_bytes')).toBe(memory.swaptotal)
    const root = sizes.find((entry) => entry.mount === '/')!
    const size = [...metrics.samples].find(([key]) => /^node_filesystem_size_bytes\{.*mountpoint="\/"\}/.test(key))![1]
    expect(Math.abs(size - root.size) / size).toBeLessThan(0.01)
  })

  test('its inventory by the worker job names the machine', async () => {
    const answer = await inventory()
    expect(answer).toMatchObject({ ok: true, value: { kernel: release(), physicalCores: expect.any(Number) } })
  })

  test('a busy loop of half a second is seen in the CPU share', async () => {
    const { metrics, collect } = realHost()
    await collect()
    const untilMs = systemClock.monotonic() + 500
    while (systemClock.monotonic() < untilMs);
    await collect()
    const cpus = readFileSync('/proc/stat', 'utf8').match(/^cpu\d+ /gm)!.length
    expect(metrics.value('arkrelay_system_cpu_percent')).toBeGreaterThan(80 / cpus)
    expect(metrics.value('arkrelay_system_cpu_percent')).toBeLessThanOrEqual(100)
  })

  test('two collections later every counter has stayed or grown', async () => {
    const { metrics, collect } = realHost()
    await collect()
    const before = new Map(metrics.samples)
    await collect()
    const counters = new Set(metrics.families.filter(({ type }) => type === 'counter').map(({ name }) => name))
    for (const [key, value] of metrics.samples) {
      if (counters.has(key.replace(/\{.*/, ''))) expect([key, value >= (before.get(key) ?? 0)]).toEqual([key, true])
    }
  })

  test('no collector stands still for 5 ms', async () => {
    const { runs, collect } = realHost()
    await collect()
    for (const [index, run] of runs.entries()) {
      // Real time: what is measured is how long the thread stands still; the least of ten leaves other load out.
      let least = Number.POSITIVE_INFINITY
      for (let round = 0; round < 10; round += 1) least = Math.min(least, await longestTurn(run))
      expect([index, least < 5]).toEqual([index, true])
    }
  })
})

/** Our names for what node_exporter writes in CamelCase. */
const renamed: Readonly<Record<string, string>> = {
  ...{
    node_memory_total_bytes: 'MemTotal',
    node_memory_free_bytes: 'MemFree',
    node_memory_available_bytes: 'MemAvailable',
  },
  ...{ node_memory_buffers_bytes: 'Buffers', node_memory_cached_bytes: 'Cached', node_memory_shmem_bytes: 'Shmem' },
  ...{
    node_memory_slab_bytes: 'Slab',
    node_memory_slab_reclaimable_bytes: 'SReclaimable',
    node_memory_dirty_bytes: 'Dirty',
  },
  ...{ node_memory_swap_total_bytes: 'SwapTotal', node_memory_swap_free_bytes: 'SwapFree' },
  ...{ node_memory_swap_cached_bytes: 'SwapCached' },
}
const theirName = (key: string) => (renamed[key] ? `node_memory_${renamed[key]}_bytes` : key)

/** What both must have on any Linux host with a disk. */
const shared = [
  ...['node_cpu_seconds_total', 'node_boot_time_seconds', 'node_context_switches_total', 'node_forks_total'],
  ...['node_procs_running', 'node_procs_blocked', 'node_load1', 'node_load5', 'node_load15'],
  ...['node_filefd_allocated', 'node_filefd_maximum', 'node_filesystem_size_bytes', 'node_filesystem_free_bytes'],
  ...['node_filesystem_avail_bytes', 'node_filesystem_files', 'node_filesystem_files_free', 'node_filesystem_readonly'],
  ...['node_filesystem_device_error', 'node_network_receive_bytes_total', 'node_network_transmit_errs_total'],
  ...['node_disk_read_bytes_total', 'node_disk_written_bytes_total', 'node_disk_io_time_seconds_total'],
  ...Object.keys(renamed),
]

describe.skipIf(!isLinux || !nodeExporter)('against node_exporter (ARKWATCH_TEST_NODE_EXPORTER_BIN)', () => {
  test('every value lies between what it said before and after', async () => {
    const port = freePort()
    const child = Bun.spawn([nodeExporter!, `--web.listen-address=127.0.0.1:${port}`], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    })
    try {
      const { metrics, collect } = realHost()
      await collect()
      const before = await scrape(port)
      await collect()
      const after = await scrape(port)
      const compared = new Set<string>()
      const wrong: string[] = []
      for (const [key, value] of metrics.samples) {
        const low = before.get(theirName(key))
        const high = after.get(theirName(key))
        if (low === undefined || high === undefined) continue
        const name = key.replace(/\{.*/, '')
        compared.add(name)
        if (!near(name, value, low, high)) wrong.push(`${key}: ${value} is not in ${low} … ${high}`)
      }
      expect(wrong).toEqual([])
      expect(shared.filter((name) => !compared.has(name))).toEqual([])
      for (const [key] of metrics.samples) if (/^node_disk_read_bytes/.test(key)) expect(before.has(key)).toBe(true)
    } finally {
      child.kill('SIGKILL')
      await child.exited
    }
  })
})

/** Gauges of a busy host wander between the samples: 5 % and two units or, for bytes, 64 MiB of room. */
function near(name: string, value: number, low: number, high: number): boolean {
  const room = name.endsWith('_total')
    ? // The kernel shows CPU time in hundredths, and its idle time may step back.
      0.05
    : 0.05 * Math.abs(high) + (name.endsWith('_bytes') ? 64 * 2 ** 20 : /procs|io_now/.test(name) ? 50 : 2)
  return value >= Math.min(low, high) - room && value <= Math.max(low, high) + room
}

/** @returns samples by `name{label="value"}`, as the recorder writes them */
async function scrape(port: number): Promise<ReadonlyMap<string, number>> {
  const url = `http://127.0.0.1:${port}/metrics`
  let text: string | undefined
  // Real time: another process starts.
  for (let attempt = 0; text === undefined && attempt < 100; attempt += 1) {
    text = await fetch(url).then(
      (answer) => answer.text(),
      () => undefined,
    )
    if (text === undefined) await systemClock.sleep(50)
  }
  const samples = new Map<string, number>()
  for (const match of (text ?? '').matchAll(/^([^#\s]\S*?(?:\{.*\})?) (\S+)$/gm))
    samples.set(match[1]!, Number(match[2]))
  return samples
}
