import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SmallDisk, smallDisk } from '../../support/small-disk.ts'
import { hastyClock } from './hasty-clock.ts'
import { type AdminRuntime, bootAdmin } from './support.ts'

// File systems are mounted, filled and waited for.
setDefaultTimeout(60_000)

const mib = 1024 * 1024
const probe = smallDisk(mib)
probe?.remove()
const onSmallDisk = (name: string, run: () => Promise<void>) =>
  probe === undefined ? test(`NOT TESTED HERE, since nothing can be mounted: ${name}`, () => {}) : test(name, run)
if (probe === undefined)
  console.warn(
    'SKIPPED IN PART: no file system can be mounted here, so a full disk is only played by a limit of file sizes',
  )

let disk: SmallDisk | undefined
let at: AdminRuntime | undefined
afterEach(async () => {
  await at?.stop()
  disk?.remove()
  at = undefined
  disk = undefined
})

const boot = (data: string) =>
  bootAdmin({
    clock: hastyClock,
    config: { data, plugins: { store: { maintainEvery: '1s' }, metrics: {} } },
    admin: { systemMetrics: { every: '1h' } },
  })
const stateOf = async (name: string) =>
  ((await at!.get(`/admin/plugins/${name}`)) as never as { state: string; reason: string }) ?? {}
const newKey = (name: string) => at!.codeOf('/admin/keys', { json: { name, role: 'viewer' } })

/** Asks until the answer is as wanted: threads write to a real disk. */
async function until<T>(ask: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const value = await ask()
    if (good(value) || tries > 400) return value
    await Bun.sleep(25)
  }
}

/** What must hold while nothing can be written. */
async function expectRefusal(): Promise<void> {
  expect(
    await at!.codeOf('/admin/config/apply', { json: { patch: { plugins: { metrics: { path: '/m' } } } } }),
  ).toEqual([503, 'AUDIT_UNAVAILABLE'])
  expect(await at!.codeOf('/admin/plugins/metrics/restart', { method: 'POST' })).toEqual([503, 'AUDIT_UNAVAILABLE'])
  expect(await at!.codeOf('/admin/loggers/root', { method: 'PUT', json: { level: 'trace' } })).toEqual([
    503,
    'AUDIT_UNAVAILABLE',
  ])
  // What is read and put on record, too.
  expect(await at!.codeOf('/admin/keys')).toEqual([503, 'AUDIT_UNAVAILABLE'])
  expect((await at!.send('/admin/status', { key: 'wrong' })).status).toBe(401)
  for (const path of ['/admin/status', '/admin/plugins', '/admin/logs/recent', '/admin/system/info'])
    expect([path, (await at!.send(path)).status]).toEqual([path, 200])
  for (const path of ['/livez', '/readyz', '/metrics'])
    expect([path, (await at!.send(path, { key: null })).status]).toEqual([path, 200])
  expect(await (await at!.send('/metrics', { key: null })).text()).toMatch(/^arkwatch_store_up 0$/m)
  expect(await stateOf('store')).toMatchObject({ state: 'degraded' })
  expect(await stateOf('audit')).toMatchObject({ state: 'degraded', reason: expect.stringContaining('refused') })
  expect(existsSync(join(at!.runtime.dataDir, 'overlay.yaml'))).toBe(false)
}

onSmallDisk(
  'a disk that is full to the last byte: changes are refused, the rest goes on, and all is well again when there is room',
  async () => {
    disk = smallDisk(8 * mib)!
    at = await boot(disk.folder)
    expect(await newKey('before')).toEqual([201, undefined])
    disk.fill()
    // What the log of the store had set aside is used up first.
    const refused = await until(
      () => newKey(`k${Math.random()}`),
      ([status]) => status !== 201,
    )
    expect(refused).toEqual([503, 'AUDIT_UNAVAILABLE'])
    await expectRefusal()
    disk.free()
    expect(
      await until(
        () => newKey('after'),
        ([status]) => status === 201,
      ),
    ).toEqual([201, undefined])
    for (const name of ['store', 'audit'])
      expect(
        await until(
          () => stateOf(name),
          ({ state }) => state === 'ok',
        ),
      ).toMatchObject({ state: 'ok' })
    expect(await at.get('/admin/audit/verify')).toMatchObject({ ok: true } as never)
  },
)

onSmallDisk('a disk with room again is noticed by the store itself, without anybody writing', async () => {
  disk = smallDisk(8 * mib)!
  at = await boot(disk.folder)
  disk.fill()
  await until(
    () => newKey(`k${Math.random()}`),
    ([status]) => status !== 201,
  )
  disk.free()
  expect(
    (
      await until(
        () => stateOf('store'),
        ({ state }) => state === 'ok',
      )
    ).state,
  ).toBe('ok')
})

onSmallDisk(
  'a folder that is read-only: reads go on, changes are refused, and all is well again when it can be written',
  async () => {
    disk = smallDisk(8 * mib)!
    const first = await boot(disk.folder)
    await first.runtime.stop()
    expect(disk.readOnly(true)).toBe(true)
    expect(() => writeFileSync(join(disk!.folder, 'x'), '')).toThrow('EROFS')
    at = await boot(disk.folder)
    await expectRefusal()
    expect(disk.readOnly(false)).toBe(true)
    expect(
      await until(
        () => newKey('after'),
        ([status]) => status === 201,
      ),
    ).toEqual([201, undefined])
    for (const name of ['store', 'audit'])
      expect(
        (
          await until(
            () => stateOf(name),
            ({ state }) => state === 'ok',
          )
        ).state,
      ).toBe('ok')
    expect(await at.get('/admin/audit/verify')).toMatchObject({ ok: true } as never)
  },
)

test('files that may not grow: changes are refused, and what was confirmed is there', async () => {
  const child = Bun.spawn(
    // 512 blocks of 512 or 1,024 bytes, as the shell has it; without the trap the signal would end the process.
    [
      'sh',
      '-c',
      `trap '' XFSZ; ulimit -f 512; exec "$0" "$@"`,
      process.execPath,
      join(import.meta.dir, 'fixtures/fill-files.ts'),
    ],
    { stdout: 'pipe', stderr: 'inherit' },
  )
  const result = JSON.parse(await new Response(child.stdout).text()) as Record<string, unknown>
  expect(await child.exited).toBe(0)
  expect(result).toMatchObject({ refused: 'AUDIT_UNAVAILABLE', read: 200, store: 'degraded', audit: 'degraded' })
  expect(result.verified).toMatchObject({ ok: true })
  expect((result.verified as { checked: number }).checked).toBeGreaterThanOrEqual(result.confirmed as number)
})

test('the disk is what the tests take it for', () => {
  const own = smallDisk(mib)
  if (own === undefined) return
  own.fill()
  expect(() => writeFileSync(join(own.folder, 'more'), 'x'.repeat(5_000))).toThrow('ENOSPC')
  own.free()
  writeFileSync(join(own.folder, 'more'), 'x')
  expect(readFileSync(join(own.folder, 'more'), 'utf8')).toBe('x')
  own.remove()
})
