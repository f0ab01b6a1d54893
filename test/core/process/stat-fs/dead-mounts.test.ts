import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Mounting needs root, and a namespace in which nobody else sees the mounts. */
const unshare = ['unshare', '--mount', '--propagation', 'private']
const canMount = Bun.which('unshare') !== null && Bun.spawnSync([...unshare, 'test', '-w', '/dev/fuse']).success

test.skipIf(!canMount)(
  'six file systems without a server hold up neither another file nor the end of the process',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkwatch-dead-'))
    const script = new URL('./fixtures/dead-mounts.ts', import.meta.url).pathname
    const run = Bun.spawn([...unshare, process.execPath, script, folder], { timeout: 4_000 })
    expect(await run.stdout.text()).toBe('{"answered":0,"first":"read"}\n')
    expect(await run.exited).toBe(0)
    rmSync(folder, { recursive: true })
  },
)
