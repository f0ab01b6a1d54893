import { expect, test } from 'bun:test'
import type { StatFs } from '../../../../plugins/host/collectors/parse/mounts.ts'
import { patientStatFs } from '../../../../plugins/host/collectors/patient-stat-fs.ts'
import { testClock } from '../../../../testing/index.ts'

const space: StatFs = { bsize: 4096, blocks: 1000, bfree: 600, bavail: 500, files: 64, ffree: 32 }

test('of the remote file systems of one type at most one hangs, and others are read meanwhile', async () => {
  const clock = testClock()
  const pending: (() => void)[] = []
  let serverIsGone = true
  const calls: string[] = []
  const ask = patientStatFs((path) => {
    calls.push(path)
    if (!path.startsWith('/nfs') || !serverIsGone) return Promise.resolve(space)
    return new Promise((resolve) => pending.push(() => resolve(space)))
  }, clock)
  const paths = ['/', '/nfs1', '/nfs2', '/nfs3', '/smb']
  const types: Record<string, string> = { '/': 'ext4', '/smb': 'cifs' }
  const collect = async () => {
    const answers = Promise.all(paths.map((path) => ask(path, types[path] ?? 'nfs4')))
    for (let turn = 0; turn < 3; turn += 1) await clock.advance(1_000)
    return (await answers).map((answer) => answer !== undefined)
  }
  expect(await collect()).toEqual([true, false, false, false, true])
  expect(await collect()).toEqual([true, false, false, false, true])
  expect(calls.filter((path) => path.startsWith('/nfs'))).toEqual(['/nfs1'])

  serverIsGone = false
  for (const answer of pending) answer()
  await clock.advance(0)
  expect(await collect()).toEqual([true, true, true, true, true])
  expect(clock.pending).toBe(0)
})
