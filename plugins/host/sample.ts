/** One reading of the host for other plugins, from the readings of the collectors. */
import { cpus, freemem, totalmem } from 'node:os'
import type { HostSample } from './api.ts'
import { parsed } from './collectors/kernel-files.ts'
import { blockBytes, diskUsedPercent } from './collectors/parse/disk-space.ts'
import { usedPercent } from './collectors/parse/meminfo.ts'
import { busyPercent, type CpuTimes } from './collectors/parse/stat.ts'
import { type CpuInfo, parseCpuinfo } from './collectors/parse/system.ts'
import type { HostContext } from './collectors/source.ts'

const noTimes: CpuTimes = { user: 0, nice: 0, system: 0, idle: 0, iowait: 0, irq: 0, softirq: 0, steal: 0 }

/** What Bun knows on a system without `/proc/stat`. */
const timesOfSystem = (): CpuTimes =>
  cpus().reduce(
    ({ user, nice, system, idle, irq, ...rest }, { times }) => ({
      ...rest,
      user: user + times.user,
      nice: nice + times.nice,
      system: system + times.sys,
      idle: idle + times.idle,
      irq: irq + times.irq,
    }),
    noTimes,
  )

/** Keeps what the next sample is compared with. */
export class Sampler {
  #before = noTimes
  #busyPercent = 0
  #info: Pick<CpuInfo, 'physicalCores' | 'mhz'> | undefined

  async take({ files, readings }: HostContext, path: string | undefined): Promise<HostSample> {
    const [stat, memory, disk, load, devices, khz] = await Promise.all([
      readings.stat(),
      readings.memory(),
      path === undefined ? readings.root() : readings.statFs(path),
      readings.load(),
      readings.network(),
      parsed(files, '/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq', Number),
    ])
    this.#info ??= (await parsed(files, '/proc/cpuinfo', parseCpuinfo)) ?? { physicalCores: 0, mhz: 0 }
    const times = stat?.total ?? timesOfSystem()
    this.#busyPercent = busyPercent(this.#before, times) ?? this.#busyPercent
    this.#before = times
    const totalBytes = memory?.get('MemTotal') ?? totalmem()
    const availableBytes = memory?.get('MemAvailable') ?? freemem()
    const sum = (direction: 'receive' | 'transmit', unit: 'bytes' | 'packets') =>
      (devices ?? []).reduce((total, each) => total + (each.device === 'lo' ? 0 : each[direction][unit]), 0)
    return {
      cpu: {
        percent: this.#busyPercent,
        physicalCores: this.#info.physicalCores,
        mhz: khz ? khz / 1_000 : this.#info.mhz,
      },
      memory: {
        totalBytes,
        availableBytes,
        percent: (memory && usedPercent(memory)) ?? (1 - availableBytes / totalBytes) * 100,
      },
      disk: disk && {
        totalBytes: disk.blocks * blockBytes(disk),
        freeBytes: disk.bavail * blockBytes(disk),
        usedBytes: (disk.blocks - disk.bfree) * blockBytes(disk),
        percent: diskUsedPercent(disk) ?? 0,
      },
      load,
      network: {
        receivedBytes: sum('receive', 'bytes'),
        receivedPackets: sum('receive', 'packets'),
        sentBytes: sum('transmit', 'bytes'),
        sentPackets: sum('transmit', 'packets'),
      },
    }
  }
}
