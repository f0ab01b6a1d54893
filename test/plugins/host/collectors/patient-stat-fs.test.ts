import { expect, test } from 'bun:test'
import type { StatFs } from '../../../../core/plugin.ts'
import { patientStatFs } from '../../../../plugins/host/collectors/patient-stat-fs.ts'
import { testClock } from '../../../../testing/index.ts'

const space: StatFs = { bsize: 4096, blocks: 1000, bfree: 600, bavail: 500, files: 64, ffree: 32 }

test('of the file systems of one server at most one hangs, and those of other servers are read meanwhile', async () => {
  const clock = testClock()
  const gone = new Set(['/a1', '/b1', '/local1'])
  const answers: (() => void)[] = []
  const calls: string[] = []
  const ask = patientStatFs((path) => {
    calls.push(path)
    return gone.has(path) ? new Promise((resolve) => answers.push(() => resolve(space))) : Promise.resolve(space)
  }, clock)
  const mounts = {
    '/a1': { device: 'a:/1', fstype: 'nfs4' },
    '/a2': { device: 'a:/2', fstype: 'nfs4' },
    '/b1': { device: '//b/1', fstype: 'cifs' },
    '/b2': { device: '//b/2', fstype: 'cifs' },
    '/c1': { device: 'c:/1', fstype: 'nfs4' },
    '/d1': { device: 'user@d:', fstype: 'fuse.sshfs' },
    '/local1': { device: '/dev/sda1', fstype: 'ext4' },
    '/local2': { device: '/dev/sdb1', fstype: 'ext4' },
  }
  const collect = async () => {
    const all = Promise.all(Object.entries(mounts).map(([path, mount]) => ask(path, mount)))
    for (let turn = 0; turn < 3; turn += 1) await clock.advance(1_000)
    const seen = await all
    return Object.keys(mounts).filter((_, index) => seen[index] !== undefined)
  }
  expect(await collect()).toEqual(['/c1', '/d1', '/local2'])
  expect(await collect()).toEqual(['/c1', '/d1', '/local2'])
  expect(calls.filter((path) => /a|b/.test(path))).toEqual(['/local1', '/local2', '/a1', '/b1', '/local2'])

  gone.clear()
  for (const answer of answers) answer()
  await clock.advance(0)
  expect(await collect()).toEqual(Object.keys(mounts))
  expect(clock.pending).toBe(0)
})
