import { describe, expect, test } from 'bun:test'
import { parseMounts, type StatFs } from '../../../../core/plugin.ts'
import { diskUsedPercent } from '../../../../plugins/host/collectors/parse/disk-space.ts'
import { parseDiskstats } from '../../../../plugins/host/collectors/parse/diskstats.ts'
import { parseMeminfo, usedPercent } from '../../../../plugins/host/collectors/parse/meminfo.ts'
import { parseNetDev } from '../../../../plugins/host/collectors/parse/net-dev.ts'
import { parsePressure } from '../../../../plugins/host/collectors/parse/pressure.ts'
import { busyPercent, type CpuTimes, parseStat } from '../../../../plugins/host/collectors/parse/stat.ts'
import {
  parseCpuinfo,
  parseFileNr,
  parseLoadavg,
  parseMaxOpenFiles,
  parseOsRelease,
} from '../../../../plugins/host/collectors/parse/system.ts'

const fixture = (path: string) => Bun.file(new URL(`./fixtures/host${path}`, import.meta.url)).text()
const times = (values: Partial<CpuTimes>): CpuTimes => ({
  ...{ user: 0, nice: 0, system: 0, idle: 0, iowait: 0, irq: 0, softirq: 0, steal: 0 },
  ...values,
})

describe('/proc/stat', () => {
  test('gives seconds for all CPUs and for each, and the counts', async () => {
    const stat = parseStat(await fixture('/proc/stat'))!
    expect(stat.total).toEqual({
      ...{ user: 120.76, nice: 0, system: 58.5, idle: 5125.72 },
      ...{ iowait: 14.48, irq: 0, softirq: 2.12, steal: 20.46 },
    })
    expect(stat.cpus.map((entry) => entry.cpu)).toEqual(['0', '1'])
    expect(stat).toMatchObject({ bootTimeSeconds: 1795475085, contextSwitches: 736703, forks: 11780, running: 1 })
  })

  test.each([
    ['', undefined],
    ['ctxt 1\n', undefined],
    ['cpu  x y z\n', undefined],
    ['cpu  1 2 3 4\n', times({ user: 0.01, nice: 0.02, system: 0.03, idle: 0.04 })],
    [
      'cpu  1 2 3 4 5 6 7 8 9 10\n',
      {
        ...times({ user: 0.01, nice: 0.02, system: 0.03, idle: 0.04 }),
        iowait: 0.05,
        irq: 0.06,
        softirq: 0.07,
        steal: 0.08,
      },
    ],
  ])('%j gives the total %j', (text, total) => {
    expect(parseStat(text)?.total).toEqual(total!)
  })

  test.each([
    ['half of the time was work', { user: 5, idle: 5 }, 50],
    ['waiting for I/O is not work', { iowait: 10 }, 0],
    ['interrupts and stolen time are work', { irq: 1, softirq: 1, steal: 2, idle: 4 }, 50],
    ['no time passed', {}, undefined],
  ])('the busy share: %s', (_, passed, percent) => {
    const before = times({ user: 100, idle: 1000, iowait: 7 })
    const after = { ...before }
    for (const [mode, seconds] of Object.entries(passed)) after[mode as keyof CpuTimes] += seconds
    expect(busyPercent(before, after)).toBe(percent as number)
  })

  test('a mode that went back counts as standing still', () => {
    expect(busyPercent(times({ iowait: 10 }), times({ iowait: 9, user: 1, idle: 1 }))).toBe(50)
  })
})

describe('/proc/meminfo', () => {
  test('gives bytes, and leaves out what is no amount', () => {
    const memory = parseMeminfo('MemTotal:       100 kB\nMemAvailable:    40 kB\nHugePages_Total:       3\nrubbish\n')
    expect([...memory]).toEqual([
      ['MemTotal', 102_400],
      ['MemAvailable', 40_960],
    ])
  })

  test.each([
    ['a quarter is used', { MemTotal: 100, MemAvailable: 75 }, 25],
    ['a kernel that does not say', { MemTotal: 100, MemFree: 50 }, undefined],
    ['a container that is told more than there is', { MemTotal: 100, MemAvailable: 150, MemFree: 40 }, 60],
    ['the same without free memory', { MemTotal: 100, MemAvailable: 150 }, undefined],
    ['no memory at all', { MemTotal: 0, MemAvailable: 0 }, undefined],
  ])('the used share: %s', (_, values, percent) => {
    expect(usedPercent(new Map(Object.entries(values)))).toBe(percent as number)
  })
})

describe('/proc/diskstats', () => {
  test('gives bytes and seconds, and leaves out lines with too few columns', async () => {
    const disks = parseDiskstats(await fixture('/proc/diskstats'))
    expect(disks.map((disk) => disk.device)).toEqual([
      'loop0',
      'ram0',
      'vda',
      'zram0',
      'sda',
      'sda1',
      'nvme0n1',
      'nvme0n1p1',
    ])
    expect(disks[2]).toEqual({
      ...{ device: 'vda', readsCompleted: 37406, readBytes: 2992034 * 512, readSeconds: 23.082 },
      ...{ writesCompleted: 14102, writtenBytes: 2545376 * 512, writeSeconds: 9.272 },
      ...{ inFlight: 3, ioSeconds: 7.968, weightedIoSeconds: 32.952 },
    })
  })
})

describe('/proc/net/dev', () => {
  test('gives each interface, with a number that touches the colon and with an alias', async () => {
    const devices = parseNetDev(await fixture('/proc/1/net/dev'))
    expect(devices.map((entry) => entry.device)).toEqual(['lo', 'eth0', 'eth0:1', 'veth12ab'])
    expect(devices[1]).toEqual({
      device: 'eth0',
      receive: { bytes: 236271632, packets: 5908, errs: 1, drop: 2 },
      transmit: { bytes: 397475, packets: 3313, errs: 3, drop: 4 },
    })
  })
})

describe('pressure', () => {
  test.each([
    ['/proc/pressure/io', { waitingSeconds: 6.057465, stalledSeconds: 5.593382 }],
    ['/proc/pressure/memory', { waitingSeconds: 2.5, stalledSeconds: 1 }],
  ])('%s gives %j', async (path, pressure) => {
    expect(parsePressure(await fixture(path))).toEqual(pressure)
  })
  test('a kernel without the second line gives no stalled time', () => {
    expect(parsePressure('some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n')).toEqual({
      waitingSeconds: 7e-6,
      stalledSeconds: undefined,
    })
  })
})

describe('mounts', () => {
  test('undoes escapes, keeps the last of several on one mountpoint, knows read-only', () => {
    const text = 'a /x ext4 rw,relatime 0 0\nb /with\\040blank\\134 xfs ro 0 0\nc /x tmpfs rw 0 0\nbroken\n'
    expect(parseMounts(text)).toEqual([
      { device: 'b', mountpoint: '/with blank\\', fstype: 'xfs', readonly: true },
      { device: 'c', mountpoint: '/x', fstype: 'tmpfs', readonly: false },
    ])
  })

  const space = (blocks: number, bfree: number, bavail: number): StatFs => ({
    ...{ bsize: 4096, blocks, bfree, bavail, files: 0, ffree: 0 },
  })
  test.each([
    ['what root keeps for itself is neither used nor available', space(100, 50, 30), 62.5],
    ['full for users', space(100, 5, 0), 100],
    ['empty', space(100, 100, 100), 0],
    ['without blocks', space(0, 0, 0), undefined],
    ['inconsistent', space(10, 20, 20), undefined],
  ])('the used share: %s', (_, stat, percent) => {
    expect(diskUsedPercent(stat)).toBe(percent as number)
  })
})

describe('small files', () => {
  test.each([
    ['0.23 0.15 0.08 2/116 11781\n', [0.23, 0.15, 0.08]],
    ['', undefined],
    ['a b c d', undefined],
  ])('loadavg %j gives %j', (text, loads) => {
    expect(parseLoadavg(text)).toEqual(loads as never)
  })
  test.each([
    ['755\t0\t2466183\n', { allocated: 755, maximum: 2466183 }],
    ['755\n', undefined],
  ])('file-nr %j gives %j', (text, values) => {
    expect(parseFileNr(text)).toEqual(values as never)
  })
  test.each([
    ['Max open files            20000                40000                files     \n', 20_000],
    ['Max open files            unlimited            unlimited            files     \n', undefined],
  ])('limits %j gives %j', (text, limit) => {
    expect(parseMaxOpenFiles(text)).toBe(limit as number)
  })
  test.each([
    [
      'two threads of one core on a virtual machine',
      'processor\t: 0\nmodel name\t: Xeon A\ncpu MHz\t\t: 2445.404\nphysical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu hypervisor\n\nprocessor\t: 1\nphysical id\t: 0\ncore id\t\t: 0\n',
      { model: 'Xeon A', physicalCores: 1, mhz: 2445.404, isVirtual: true },
    ],
    [
      'two sockets',
      'physical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu\n\nphysical id\t: 1\ncore id\t\t: 0\n',
      { model: '', physicalCores: 2, mhz: 0, isVirtual: false },
    ],
    [
      'a Raspberry Pi',
      'processor\t: 0\nBogoMIPS\t: 1\n\nModel\t\t: Pi 4\n',
      { model: 'Pi 4', physicalCores: 0, mhz: 0, isVirtual: false },
    ],
    ['nothing', '', { model: '', physicalCores: 0, mhz: 0, isVirtual: false }],
  ])('cpuinfo of %s', (_, text, info) => {
    expect(parseCpuinfo(text)).toEqual(info)
  })
  test('os-release takes double, single and no quotes', () => {
    const text = 'PRETTY_NAME="A \\"B\\" 1"\nVERSION_ID=\'12\'\nID=debian\nEMPTY=\n# comment\n'
    expect([...parseOsRelease(text)]).toEqual([
      ['PRETTY_NAME', 'A "B" 1'],
      ['VERSION_ID', '12'],
      ['ID', 'debian'],
      ['EMPTY', ''],
    ])
  })
})
