import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { atMost, nameFilter } from '../../../../plugins/host/collectors/patterns.ts'
import { HostConfig, hostSets } from '../../../../plugins/host-options.ts'

test('the host configuration parses empty', () => {
  const config = HostConfig.parse({})
  expect(config).toMatchObject({ every: 15_000, sets: [...hostSets], root: '/', maxCpus: 256, maxDevices: 100 })
  expect(config.disks).toMatchObject({ include: [] })
})

test.each([
  ['an unknown key', { devices: [] }],
  ['an unknown set', { sets: ['cpus'] }],
  ['a period under a second', { every: '500ms' }],
  ['a root that is not absolute', { root: 'host' }],
  ['a limit of nothing', { maxDevices: 0 }],
])('%s is refused', (_, config) => {
  expect(HostConfig.safeParse(config).success).toBe(false)
})

test('it goes into a JSON schema, every field described', () => {
  const schema = z.toJSONSchema(HostConfig, { io: 'input' }) as { properties: Record<string, { description?: string }> }
  for (const [name, field] of Object.entries(schema.properties))
    expect([name, field.description]).toEqual([name, expect.any(String)])
})

describe('names', () => {
  const { mountpoints, disks } = HostConfig.parse({})
  test.each([
    ['/', true],
    ['/home', true],
    ['/dev', false],
    ['/dev/shm', false],
    ['/device', true],
    ['/sys/fs/cgroup', false],
    ['/run/user/1000', false],
    ['/run/data', true],
    ['/var/lib/docker/overlay2/x/merged', false],
    ['/var/lib/docker', true],
  ])('the mountpoint %s by default: %p', (name, wanted) => {
    expect(nameFilter(mountpoints)(name)).toBe(wanted)
  })
  test.each([
    ['sda', true],
    ['sda1', false],
    ['sdaa', true],
    ['sdaa12', false],
    ['vda', true],
    ['xvda1', false],
    ['nvme0n1', true],
    ['nvme0n1p2', false],
    ['mmcblk0', true],
    ['mmcblk0p1', false],
    ['dm-0', true],
    ['md127', true],
    ['loop7', false],
    ['fd0', false],
  ])('the disk %s by default: %p', (name, wanted) => {
    expect(nameFilter(disks)(name)).toBe(wanted)
  })
  test.each([
    [[], [], true],
    [['eth*'], [], true],
    [['wlan*'], [], false],
    [['eth*'], ['eth0'], false],
  ])('eth0 with include %j and exclude %j: %p', (include, exclude, wanted) => {
    expect(nameFilter({ include, exclude })('eth0')).toBe(wanted)
  })
  test('a limit keeps the first and counts the rest', () => {
    expect(atMost([1, 2, 3], 2)).toEqual({ kept: [1, 2], left: 1 })
    expect(atMost([1], 2)).toEqual({ kept: [1], left: 0 })
  })
})
