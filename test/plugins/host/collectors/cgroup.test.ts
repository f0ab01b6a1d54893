import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HostConfig, hostCollectors } from '../../../../plugins/host/collectors/index.ts'
import {
  cfsQuota,
  cgroupLevels,
  cgroupPlaces,
  parseCpuMax,
  parseLimit,
} from '../../../../plugins/host/collectors/parse/cgroup.ts'
import { testClock } from '../../../../testing/index.ts'
import { recorder } from '../../metrics/recorder.ts'

const roots: string[] = []
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true })
})

async function cgroupValues(files: Record<string, string>) {
  const root = await mkdtemp(join(tmpdir(), 'arkwatch-cgroup-'))
  roots.push(root)
  for (const [path, text] of Object.entries(files)) await Bun.write(join(root, path), `${text}\n`)
  const metrics = recorder()
  const config = HostConfig.parse({ sets: ['cgroup'] })
  const collector = hostCollectors({ config, clock: testClock(), ownRoot: root }).find((c) =>
    c.name.endsWith('cgroup'),
  )!
  await collector.setup(metrics)()
  return Object.fromEntries([...metrics.samples].map(([name, value]) => [name.replace('arkwatch_cgroup_', ''), value]))
}

const v2Mount = '31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate'
const v1Mount = (controllers: string, root = '/') =>
  `32 31 0:29 ${root} /sys/fs/cgroup/${controllers} rw,relatime - cgroup cgroup rw,${controllers}`

describe('values', () => {
  test('of a container with version 2', async () => {
    const values = await cgroupValues({
      '/proc/self/cgroup': '0::/',
      '/proc/self/mountinfo': v2Mount,
      '/sys/fs/cgroup/memory.max': '536870912',
      '/sys/fs/cgroup/memory.current': '104857600',
      '/sys/fs/cgroup/memory.stat': 'anon 1\ninactive_file 4857600\nactive_file 5',
      '/sys/fs/cgroup/memory.events': 'low 0\nhigh 0\nmax 4\noom 2\noom_kill 1',
      '/sys/fs/cgroup/cpu.max': '150000 100000',
      '/sys/fs/cgroup/cpu.stat': 'usage_usec 2500000\nnr_periods 40\nnr_throttled 7\nthrottled_usec 1250000',
      '/sys/fs/cgroup/pids.max': 'max',
      '/sys/fs/cgroup/pids.current': '12',
    })
    expect(values).toEqual({
      ...{ memory_limit_bytes: 536_870_912, memory_usage_bytes: 104_857_600, memory_working_set_bytes: 100_000_000 },
      ...{ memory_oom_kills_total: 1, cpu_quota_cores: 1.5, cpu_usage_seconds_total: 2.5, cpu_periods_total: 40 },
      ...{ cpu_throttled_periods_total: 7, cpu_throttled_seconds_total: 1.25, pids: 12 },
    })
  })

  test('of a service with version 2 whose slice has the tighter limit: use and limit are those of the slice', async () => {
    const values = await cgroupValues({
      '/proc/self/cgroup': '0::/app.slice/arkwatch.service',
      '/proc/self/mountinfo': v2Mount,
      '/sys/fs/cgroup/app.slice/memory.max': '1000',
      '/sys/fs/cgroup/app.slice/memory.current': '900',
      '/sys/fs/cgroup/app.slice/arkwatch.service/memory.max': '5000',
      '/sys/fs/cgroup/app.slice/arkwatch.service/memory.current': '100',
      '/sys/fs/cgroup/app.slice/cpu.max': 'max 100000',
      '/sys/fs/cgroup/app.slice/arkwatch.service/cpu.max': 'max 100000',
    })
    expect(values).toEqual({ memory_limit_bytes: 1000, memory_usage_bytes: 900 })
  })

  test('of a container with version 1 that sees the path of the host', async () => {
    const at = '/docker/0123abcd'
    const values = await cgroupValues({
      '/proc/self/cgroup': `5:memory:${at}\n4:cpu,cpuacct:${at}\n3:pids:${at}\n1:name=systemd:${at}`,
      '/proc/self/mountinfo': [v1Mount('memory', at), v1Mount('cpu,cpuacct', at), v1Mount('pids', at)].join('\n'),
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '200000000',
      '/sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 50000000',
      '/sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '50000',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.stat': 'nr_periods 9\nnr_throttled 2\nthrottled_time 1500000000',
      '/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage': '3250000000',
      '/sys/fs/cgroup/pids/pids.max': '100',
      '/sys/fs/cgroup/pids/pids.current': '8',
    })
    expect(values).toEqual({
      ...{ memory_limit_bytes: 268_435_456, memory_usage_bytes: 200_000_000, memory_working_set_bytes: 150_000_000 },
      ...{ memory_oom_kills_total: 3, cpu_quota_cores: 0.5, cpu_usage_seconds_total: 3.25, cpu_periods_total: 9 },
      ...{ cpu_throttled_periods_total: 2, cpu_throttled_seconds_total: 1.5, pids: 8, pids_limit: 100 },
    })
  })

  test('of a container with version 1 whose parent, which the container does not see, has the limit', async () => {
    const values = await cgroupValues({
      '/proc/self/cgroup': '5:memory:/docker/a/b',
      '/proc/self/mountinfo': v1Mount('memory', '/docker/a'),
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '400',
      '/sys/fs/cgroup/memory/memory.stat': 'hierarchical_memory_limit 1000\ntotal_inactive_file 100',
      '/sys/fs/cgroup/memory/b/memory.limit_in_bytes': '9223372036854771712',
      '/sys/fs/cgroup/memory/b/memory.usage_in_bytes': '50',
      '/sys/fs/cgroup/memory/b/memory.stat': 'hierarchical_memory_limit 1000\ntotal_inactive_file 0',
    })
    expect(values).toEqual({ memory_limit_bytes: 1000, memory_usage_bytes: 400, memory_working_set_bytes: 300 })
  })

  test('of a group with version 1 whose parent has the quota: quota and use are those of the parent', async () => {
    const at = '/sys/fs/cgroup/cpu,cpuacct'
    const values = await cgroupValues({
      '/proc/self/cgroup': '4:cpu,cpuacct:/a/b',
      '/proc/self/mountinfo': v1Mount('cpu,cpuacct'),
      ...{ [`${at}/a/cpu.cfs_quota_us`]: '50000', [`${at}/a/cpu.cfs_period_us`]: '100000' },
      ...{ [`${at}/a/b/cpu.cfs_quota_us`]: '-1', [`${at}/a/b/cpu.cfs_period_us`]: '100000' },
      [`${at}/a/cpuacct.usage`]: '400000000000',
      [`${at}/a/b/cpuacct.usage`]: '1000000000',
    })
    expect(values).toEqual({ cpu_quota_cores: 0.5, cpu_usage_seconds_total: 400 })
  })

  test('of a hybrid system without limits: version 1 where the controllers are, no limit reported', async () => {
    const values = await cgroupValues({
      '/proc/self/cgroup': '4:memory:/\n1:cpu:/\n0::/',
      '/proc/self/mountinfo': [v1Mount('memory'), v1Mount('cpu'), v2Mount].join('\n'),
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '7',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    })
    expect(values).toEqual({ memory_usage_bytes: 7 })
  })

  test('of a system without control groups: none', async () => {
    expect(await cgroupValues({ '/proc/self/cgroup': '', '/proc/self/mountinfo': '' })).toEqual({})
  })
})

describe('places', () => {
  test.each([
    ['nested, root mounted', '0::/a/b', v2Mount, { version: 2, mountpoint: '/sys/fs/cgroup', path: '/a/b' }],
    ['outside of what is mounted', '0::/../other', v2Mount, { version: 2, mountpoint: '/sys/fs/cgroup', path: '/' }],
    [
      'below the mounted root',
      '4:memory:/d/x/y',
      v1Mount('memory', '/d/x'),
      { version: 1, mountpoint: '/sys/fs/cgroup/memory', path: '/y' },
    ],
    [
      'a name that only begins alike',
      '4:memory:/d/xy',
      v1Mount('memory', '/d/x'),
      { version: 1, mountpoint: '/sys/fs/cgroup/memory', path: '/' },
    ],
    ['not mounted', '0::/a', '', undefined],
    ['version 1 named, only version 2 mounted', '4:memory:/a', v2Mount, undefined],
  ])('of memory: %s', (_, cgroup, mountinfo, place) => {
    expect(cgroupPlaces(cgroup, mountinfo).memory).toEqual(place as never)
  })

  const at = (root: string, mountpoint: string, version = 2) =>
    version === 2
      ? `31 23 0:28 ${root} ${mountpoint} ro - cgroup2 cgroup2 rw,nsdelegate`
      : `31 23 0:28 ${root} ${mountpoint} ro - cgroup cgroup rw,memory`
  test.each([
    ['the root of the host at /host', '0::/', [at('/../..', '/host/sys/fs/cgroup'), at('/', '/own')], '/'],
    ['its own name space', '0::/a', [at('/..', '/host/sys/fs/cgroup'), at('/', '/own')], '/a'],
    ['a part that is not its own', '0::/a/b', [at('/user.slice', '/mnt'), at('/a-b', '/m'), at('/', '/own')], '/a/b'],
    ['version 1 twice', '5:memory:/d/x', [at('/', '/host/memory', 1), at('/d/x', '/own', 1)], '/'],
    ['version 1 and 2', '5:memory:/d/x\n0::/', [at('/', '/unified'), at('/d', '/own', 1)], '/x'],
    ['a parent and the own group', '0::/a/b/c', [at('/a', '/parent'), at('/a/b', '/own'), at('/', '/host')], '/c'],
    ['a group outside of its name space', '0::/../b/c', [at('/', '/other'), at('/..', '/own')], '/b/c'],
  ])('of memory, whatever the order of the mounts: %s', (_, cgroup, mounts, path) => {
    for (const order of [mounts, mounts.toReversed(), [...mounts.slice(1), mounts[0]!]]) {
      expect(cgroupPlaces(cgroup, order.join('\n')).memory).toMatchObject({ mountpoint: '/own', path })
    }
  })

  test('of several mounts on one mountpoint the last is in force', () => {
    const mounts = [at('/a/b', '/sys/fs/cgroup'), at('/', '/sys/fs/cgroup')].join('\n')
    expect(cgroupPlaces('0::/a/b', mounts).memory).toEqual({ version: 2, mountpoint: '/sys/fs/cgroup', path: '/a/b' })
  })

  test('none where only the root of the host is mounted: its use is not that of the own group', () => {
    expect(cgroupPlaces('0::/', at('/../..', '/host/sys/fs/cgroup')).memory).toBeUndefined()
  })

  test('the levels go from the group up to the mountpoint', () => {
    expect(cgroupLevels({ version: 2, mountpoint: '/m', path: '/a/b' })).toEqual(['/m/a/b', '/m/a', '/m'])
    expect(cgroupLevels({ version: 2, mountpoint: '/m', path: '/' })).toEqual(['/m'])
  })
})

test.each([
  ['max\n', undefined],
  ['1048576\n', 1_048_576],
  ['9223372036854771712\n', undefined],
  ['-1\n', undefined],
  ['', undefined],
])('the limit %j is %p', (text, limit) => {
  expect(parseLimit(text)).toBe(limit as number)
})

test.each([
  ['max 100000\n', undefined],
  ['200000 100000\n', 2],
  ['100 0\n', undefined],
])('cpu.max %j is %p cores', (text, cores) => {
  expect(parseCpuMax(text)).toBe(cores as number)
})

test.each([
  ['-1\n', '100000\n', undefined],
  ['25000\n', '100000\n', 0.25],
])('the quota %j over %j is %p cores', (quota, period, cores) => {
  expect(cfsQuota(quota, period)).toBe(cores as number)
})
