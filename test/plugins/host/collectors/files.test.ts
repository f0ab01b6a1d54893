import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesBelow, parsed } from '../../../../plugins/host/collectors/kernel-files.ts'

test('a file is read below the root, up to its limit and not beyond', async () => {
  const root = await mkdtemp(join(tmpdir(), 'arkwatch-files-'))
  await Bun.write(join(root, 'proc/long'), 'x'.repeat(200_000))
  expect((await filesBelow(root).text('/proc/long'))?.length).toBe(200_000)
  expect(await filesBelow(root, 200_000).text('/proc/long')).toHaveLength(200_000)
  expect(await filesBelow(root, 199_999).text('/proc/long')).toBeUndefined()
  expect(await filesBelow(root).text('/proc/missing')).toBeUndefined()
  expect(await filesBelow(root).text('/proc')).toBeUndefined()
  expect(await filesBelow(root).count('/proc')).toBe(1)
  expect(await filesBelow(root).count('/nowhere')).toBeUndefined()
  expect(await parsed(filesBelow(root), '/proc/missing', () => 1)).toBeUndefined()
  await rm(root, { recursive: true })
})

test("the kernel's files, whose size is given as zero, are read whole", async () => {
  expect(await filesBelow('/').text('/proc/version')).toContain('Linux version')
})
