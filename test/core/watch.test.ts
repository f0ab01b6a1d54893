import { afterEach, describe, expect, test } from 'bun:test'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { watchFiles } from '../../core/config/watch.ts'
import { LogHub } from '../../core/process/log.ts'
import type { RunningRuntime } from '../../core/running-runtime.ts'
import { createRuntime } from '../../core/runtime.ts'
import { testClock } from '../../testing/test-clock.ts'
import { recordingSink } from '../../testing/test-runtime.ts'

let undo: (() => unknown) | undefined
afterEach(() => undo?.())

const newFolder = () => mkdtempSync(join(tmpdir(), 'arkwatch-watch-'))
const write = (file: string, text: string) => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
/** Swaps a link as `ln -sfn` does not: in one step. */
const link = (to: string, path: string) => {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(to, `${path}.new`)
  renameSync(`${path}.new`, path)
}

function watched(files: () => readonly string[], differs = async () => false) {
  const clock = testClock()
  let changes = 0
  const changed = () => {
    changes += 1
  }
  undo = watchFiles(files, clock, new LogHub(clock, recordingSink([])).logger('test'), changed, differs)
  return {
    changes: () => changes,
    /** Lets the watcher look for `ms`. Each look reads files, which no clock of a test moves. */
    async wait(ms: number, meanwhile = () => {}) {
      for (let waitedMs = 0; waitedMs < ms; waitedMs += 100) {
        meanwhile()
        await clock.advance(100)
        while (clock.pending === 0) await new Promise(setImmediate)
      }
    },
  }
}

interface Way {
  readonly file: string
  prepare(at: (name: string) => string): void
  change(at: (name: string) => string): void
}
const inPlace: Way['change'] = (at) => write(at('etc/config.yaml'), 'a: 2')
const plain: Way['prepare'] = (at) => write(at('etc/config.yaml'), 'a: 1')
const releases: Way['prepare'] = (at) => {
  write(at('srv/r1/config.yaml'), 'a: 1')
  write(at('srv/r2/config.yaml'), 'a: 2')
  link('r1', at('srv/current'))
  link('../srv/current/config.yaml', at('etc/config.yaml'))
}
const swap: Way['change'] = (at) => link('r2', at('srv/current'))
const ways: Record<string, Way> = {
  'is written in place': { file: 'etc/config.yaml', prepare: plain, change: inPlace },
  'is written in place with the same size and time': {
    file: 'etc/config.yaml',
    prepare: plain,
    change(at) {
      const { atime, mtime } = statSync(at('etc/config.yaml'))
      inPlace(at)
      utimesSync(at('etc/config.yaml'), atime, mtime)
    },
  },
  'is replaced by rename': {
    file: 'etc/config.yaml',
    prepare: plain,
    change(at) {
      write(at('etc/config.yaml.new'), 'a: 2')
      renameSync(at('etc/config.yaml.new'), at('etc/config.yaml'))
    },
  },
  'becomes a pipe': {
    file: 'etc/config.yaml',
    prepare: plain,
    change(at) {
      rmSync(at('etc/config.yaml'))
      Bun.spawnSync(['mkfifo', at('etc/config.yaml')])
    },
  },
  'becomes a device': {
    file: 'etc/config.yaml',
    prepare: plain,
    change: (at) => link('/dev/zero', at('etc/config.yaml')),
  },
  'was a pipe': {
    file: 'etc/config.yaml',
    prepare(at) {
      mkdirSync(at('etc'))
      Bun.spawnSync(['mkfifo', at('etc/config.yaml')])
    },
    change(at) {
      rmSync(at('etc/config.yaml'))
      inPlace(at)
    },
  },
  goes: { file: 'etc/config.yaml', prepare: plain, change: (at) => rmSync(at('etc/config.yaml')) },
  comes: { file: 'etc/config.yaml', prepare: (at) => mkdirSync(at('etc')), change: inPlace },
  'comes with its directory': { file: 'etc/config.yaml', prepare() {}, change: inPlace },
  'is in a directory that is replaced': {
    file: 'etc/config.yaml',
    prepare: plain,
    change(at) {
      write(at('new/config.yaml'), 'a: 2')
      renameSync(at('etc'), at('old'))
      renameSync(at('new'), at('etc'))
    },
  },
  'is a link whose target is written in place': {
    file: 'etc/config.yaml',
    prepare: releases,
    change: (at) => write(at('srv/r1/config.yaml'), 'a: 3'),
  },
  'is a link through a link that is swapped': { file: 'etc/config.yaml', prepare: releases, change: swap },
  'is below a link that is swapped': { file: 'srv/current/config.yaml', prepare: releases, change: swap },
  'is mounted as Kubernetes does': {
    file: 'etc/config.yaml',
    prepare(at) {
      write(at('etc/..1/config.yaml'), 'a: 1')
      link('..1', at('etc/..data'))
      link('..data/config.yaml', at('etc/config.yaml'))
    },
    change(at) {
      write(at('etc/..2/config.yaml'), 'a: 2')
      link('..2', at('etc/..data'))
      rmSync(at('etc/..1'), { recursive: true })
    },
  },
}

describe('watching the configuration', () => {
  test.each(Object.keys(ways))(
    'notices once, within two seconds, a file that %s, also right after the start',
    async (name) => {
      for (const restMs of [0, 3_000]) {
        const folder = newFolder()
        const at = (path: string) => join(folder, path)
        const { file, prepare, change } = ways[name]!
        prepare(at)
        const watcher = watched(() => [at(file)])
        await watcher.wait(restMs)
        expect(watcher.changes()).toBe(0)
        change(at)
        await watcher.wait(2_000)
        expect(watcher.changes()).toBe(1)
        await watcher.wait(5_000)
        expect(watcher.changes()).toBe(1)
        undo?.()
      }
    },
  )

  test('notices an edit that is taken back before it was seen, where the edit is in force', async () => {
    const file = join(newFolder(), 'config.yaml')
    write(file, 'before')
    for (const isInForce of [true, false]) {
      const { changes, wait } = watched(
        () => [file],
        async () => isInForce,
      )
      await wait(2_000)
      expect(changes()).toBe(isInForce ? 1 : 0)
      write(file, 'edited')
      write(file, 'before')
      await wait(2_000)
      expect(changes()).toBe(isInForce ? 2 : 0)
      undo?.()
    }
  })

  test('ignores a touch, and the other files of the directory', async () => {
    const file = join(newFolder(), 'config.yaml')
    write(file, 'a: 1')
    const watcher = watched(() => [file])
    write(file, 'a: 1')
    await watcher.wait(3_000, () => write(join(dirname(file), 'other.log'), String(Math.random())))
    expect(watcher.changes()).toBe(0)
    write(file, 'a: 2')
    await watcher.wait(2_000, () => write(join(dirname(file), 'other.log'), String(Math.random())))
    expect(watcher.changes()).toBe(1)
  })

  test('waits until a file is quiet, but not for ever', async () => {
    const file = join(newFolder(), 'config.yaml')
    write(file, 'a: 1')
    const watcher = watched(() => [file])
    const writing = () => write(file, `a: ${Math.random()}`)
    await watcher.wait(3_000, writing)
    expect(watcher.changes()).toBe(0)
    await watcher.wait(7_000, writing)
    expect(watcher.changes()).toBeWithin(1, 4)
  })

  test('sees a file that was not there', async () => {
    const file = join(newFolder(), 'overlay.yaml')
    const watcher = watched(() => [file])
    await watcher.wait(2_000)
    write(file, 'a: 1')
    await watcher.wait(2_000)
    expect(watcher.changes()).toBe(1)
  })

  test('follows the files that are named later', async () => {
    const [first, later] = [join(newFolder(), 'a.yaml'), join(newFolder(), 'b.yaml')]
    write(first, 'a: 1')
    write(later, 'b: 1')
    let files = [first]
    const watcher = watched(() => files)
    write(first, 'include: [b.yaml]')
    await watcher.wait(2_000)
    expect(watcher.changes()).toBe(1)
    // As a reload does, some time after the change.
    files = [first, later]
    await watcher.wait(2_000)
    const before = watcher.changes()
    write(later, 'b: 2')
    await watcher.wait(2_000)
    expect(watcher.changes()).toBe(before + 1)
  })
})

test('a reload refuses what became a pipe or a device, by its name, and works when the file is back', async () => {
  const folder = newFolder()
  const [main, part] = [join(folder, 'config.yaml'), join(folder, 'part.yaml')]
  write(main, 'data: ./data\ninclude: [part.yaml]')
  write(part, 'environment: staging')
  const basis = { file: main, cwd: folder, env: {}, catalog: {}, overlays: [], clock: testClock() }
  const runtime: RunningRuntime = await createRuntime({ ...basis, fallbackSink: recordingSink([]) })
  undo = () => runtime.stop()
  const overlay = join(folder, 'data', 'overlay.yaml')
  write(overlay, '{}')
  for (const file of [main, part, overlay]) {
    const text = readFileSync(file, 'utf8')
    for (const put of [() => Bun.spawnSync(['mkfifo', file]), () => symlinkSync('/dev/zero', file)]) {
      rmSync(file)
      put()
      const refused = expect.objectContaining({ message: expect.stringContaining(`${file} is not a regular file`) })
      await expect(runtime.reload()).rejects.toEqual(refused)
      expect(await runtime.isStale()).toBe(true)
      rmSync(file)
      write(file, text)
      await runtime.reload()
      expect(await runtime.isStale()).toBe(false)
    }
  }
})

test('the overlay, and the files of a configuration that was refused, are watched, until a reload succeeds', async () => {
  const [folder, elsewhere] = [newFolder(), newFolder()]
  const main = join(folder, 'config.yaml')
  const part = join(elsewhere, 'part.yaml')
  write(main, 'data: ./data')
  write(part, 'monitoring: { autoStart: [')
  const runtime: RunningRuntime = await createRuntime({
    ...{
      file: main,
      cwd: folder,
      env: {},
      catalog: {},
      overlays: [],
      clock: testClock(),
      fallbackSink: recordingSink([]),
    },
  })
  undo = () => runtime.stop()
  const overlay = join(runtime.dataDir, 'overlay.yaml')
  using taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  for (const [text, files] of [
    [`include: [${part}]`, [main, part]],
    [`include: [${part}]\nenvironment: "\${file:${elsewhere}/gone}"`, [main, part, join(elsewhere, 'gone')]],
    ['environment: staging', [main]],
    [`environment: "\${file:${part}}"`, [main, part]],
  ] as const) {
    write(main, `data: ./data\n${text}`)
    await expect(runtime.reload()).rejects.toThrow()
    expect([...runtime.configFiles()].sort()).toEqual([...files, overlay].sort())
    expect(await runtime.isStale()).toBe(true)
  }
  write(main, 'data: ./data')
  await runtime.reload()
  expect(runtime.configFiles()).toEqual([main, overlay])
  const busy = { server: { port: taken.port } }
  await expect(runtime.changes.apply(busy, { by: 'alice' })).rejects.toThrow()
  expect(runtime.configFiles()).toEqual([main, overlay])
})

test('what was refused is no news, also where a write left it as it was; what was put back is', async () => {
  const folder = newFolder()
  const main = join(folder, 'config.yaml')
  const good = 'data: ./data'
  write(main, good)
  const basis = { file: main, cwd: folder, env: {}, catalog: {}, overlays: [], clock: testClock() }
  const runtime: RunningRuntime = await createRuntime({ ...basis, fallbackSink: recordingSink([]) })
  undo = () => runtime.stop()
  const seen: Record<string, [boolean, boolean]> = {}
  const look = async (step: string) => {
    seen[step] = [await runtime.isStale(), await runtime.hasNews()]
  }
  await look('started')
  write(main, `${good}\nbad: 1`)
  await look('edited')
  await expect(runtime.reload()).rejects.toThrow('bad')
  await look('refused')
  write(main, `${good}\nbad: 1`)
  await look('written again')
  write(main, good)
  await look('put back')
  await runtime.reload()
  await look('reloaded')
  expect(seen).toEqual({
    started: [false, false],
    edited: [true, true],
    refused: [true, false],
    'written again': [true, false],
    'put back': [true, true],
    reloaded: [false, false],
  })
})
