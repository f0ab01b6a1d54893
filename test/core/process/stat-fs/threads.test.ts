import { expect, test } from 'bun:test'
import { EventEmitter } from 'node:events'
import type { StatFs } from '../../../../core/process/stat-fs/mounts.ts'
import { joined, mountOf } from '../../../../core/process/stat-fs/stat-fs.ts'
import { StatFsThreads, type Thread } from '../../../../core/process/stat-fs/threads.ts'
import { testClock } from '../../../../testing/index.ts'

const space: StatFs = { bsize: 4096, blocks: 1000, bfree: 600, bavail: 500, files: 64, ffree: 32 }

/** Threads that hang on paths that begin with `/hung` until `answer` is called. */
function made() {
  const clock = testClock()
  const hung = new Map<string, () => void>()
  const state = { started: 0, alive: 0 }
  const start = () => {
    const thread = new EventEmitter()
    state.started += 1
    state.alive += 1
    const postMessage = (path: string | null) => {
      const answer = () => thread.emit('message', { stat: space })
      const hang = (at: string) => hung.set(at, () => hung.delete(at) && answer())
      if (path === '/dies' || path === null) {
        state.alive -= 1
        queueMicrotask(() => thread.emit('exit', 0))
      } else if (path.startsWith('/hung')) hang(path)
      else queueMicrotask(answer)
    }
    queueMicrotask(() => thread.emit('message', 'ready'))
    return Object.assign(thread, { postMessage, unref: () => {} }) as unknown as Thread
  }
  return { clock, hung, state, threads: new StatFsThreads(start, clock) }
}

test('one thread serves calls in turn; four may hang, and a fifth path is refused until one has answered', async () => {
  const { clock, hung, state, threads } = made()
  expect(await threads.ask('/live')).toBe(space)
  expect(await threads.ask('/live')).toBe(space)
  expect(state).toEqual({ started: 1, alive: 1 })
  const waiting = [1, 2, 3, 4].map((each) => threads.ask(`/hung${each}`))
  const queued = threads.ask('/live')
  await clock.advance(1_000)
  expect([...hung.keys()]).toEqual(['/hung1', '/hung2', '/hung3', '/hung4'])
  await expect(threads.ask('/other')).rejects.toThrow(
    /of \/other is not asked: 4 calls of other file systems hang, and 1 wait/,
  )
  expect(state.started).toBe(4)

  hung.get('/hung3')?.()
  expect(await Promise.all([waiting[2], queued, threads.ask('/other')])).toEqual([space, space, space])
  for (const answer of [...hung.values()]) answer()
  await Promise.all(waiting)
  await clock.advance(0)
  expect(state.alive).toBe(1)
  threads.end()
  expect(state.alive).toBe(0)
  expect(await threads.ask('/live')).toBe(space)
})

test('a thread that ends rejects its own call, and another serves the rest', async () => {
  const { threads } = made()
  const ends = [1, 2, 3, 4].map(() => threads.ask('/dies'))
  const queued = threads.ask('/live')
  expect((await Promise.allSettled(ends)).map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
  expect(await queued).toBe(space)
})

test('callers of one path share its call, and are refused with the reason once the call has hung for a second', async () => {
  const { clock, hung, threads } = made()
  const statFs = joined((path) => threads.ask(path), clock)
  const waiting = [statFs('/hung'), statFs('/hung')]
  await clock.advance(3_500)
  await expect(statFs('/hung')).rejects.toMatchObject({
    code: 'FILE_SYSTEM_HANGS',
    message: 'the file system of /hung has not answered for 3 s',
  })
  expect(await statFs('/live')).toBe(space)
  hung.get('/hung')?.()
  expect(await Promise.all([...waiting, statFs('/live')])).toEqual([space, space, space])
})

test('a path belongs to the longest mountpoint that holds the path', () => {
  const mounts = ['/', '/srv', '/srv/nfs', '/home'].map((mountpoint) => ({
    ...{ device: 'x', fstype: 'x', readonly: false },
    mountpoint,
  }))
  const found = ['/srv/nfs', '/srv/nfs/a', '/srv/nfs2', '/tmp', '/'].map((path) => mountOf(path, mounts)?.mountpoint)
  expect(found).toEqual(['/srv/nfs', '/srv/nfs', '/srv', '/', '/'])
})
