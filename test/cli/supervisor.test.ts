import { expect, test } from 'bun:test'
import { type Child, supervise } from '../../cli/dev/supervisor.ts'
import { testClock } from '../../testing/test-clock.ts'

interface Fake extends Child {
  readonly signals: string[]
  exit(code: number): void
}

function arranged() {
  const children: Fake[] = []
  const codes: number[] = []
  const clock = testClock()
  const supervisor = supervise({
    clock,
    stopMs: 1_000,
    ended: (code) => codes.push(code),
    spawn: () => {
      const exited = Promise.withResolvers<number>()
      const signals: string[] = []
      const child = {
        exited: exited.promise,
        signals,
        kill: (signal: string) => void signals.push(signal),
        exit: exited.resolve,
      }
      children.push(child)
      return child
    },
  })
  return { supervisor, children, codes, clock }
}

test('a restart waits for the old child before it starts the new one', async () => {
  const { supervisor, children, clock, codes } = arranged()
  const restarted = supervisor.restart()
  await clock.advance(0)
  expect(children).toHaveLength(1)
  expect(children[0]!.signals).toEqual(['SIGTERM'])
  children[0]!.exit(0)
  await restarted
  expect(children).toHaveLength(2)
  expect(codes).toEqual([])
  expect(clock.pending).toBe(0)
})

test('restarts asked for while one goes on make one more', async () => {
  const { supervisor, children, clock } = arranged()
  const all = [supervisor.restart(), supervisor.restart(), supervisor.restart()]
  await clock.advance(0)
  children[0]!.exit(0)
  await clock.advance(0)
  for (const child of children.slice(1)) child.exit(0)
  await clock.advance(0)
  await Promise.all(all)
  expect(children.length).toBeLessThanOrEqual(3)
})

test('a child that does not stop is killed', async () => {
  const { supervisor, children, clock } = arranged()
  const restarted = supervisor.restart()
  await clock.advance(999)
  expect(children[0]!.signals).toEqual(['SIGTERM'])
  await clock.advance(1)
  expect(children[0]!.signals).toEqual(['SIGTERM', 'SIGKILL'])
  children[0]!.exit(137)
  await restarted
  expect(children).toHaveLength(2)
})

test('a child that ends by itself is told of, and started again by the next restart', async () => {
  const { supervisor, children, codes, clock } = arranged()
  children[0]!.exit(78)
  await clock.advance(0)
  expect(codes).toEqual([78])
  expect(children).toHaveLength(1)
  await supervisor.restart()
  expect(children).toHaveLength(2)
  expect(children[0]!.signals).toEqual([])
})

test('after the stop nothing is started any more', async () => {
  const { supervisor, children, codes, clock } = arranged()
  const restarting = supervisor.restart()
  const stopped = supervisor.stop('SIGTERM')
  await clock.advance(0)
  children[0]!.exit(0)
  expect(await stopped).toBe(0)
  await restarting
  expect(children).toHaveLength(1)
  expect(codes).toEqual([])
})

test('a stop without a signal waits for a child that was asked by somebody else', async () => {
  const { supervisor, children, clock } = arranged()
  const stopped = supervisor.stop()
  await clock.advance(0)
  expect(children[0]!.signals).toEqual([])
  children[0]!.exit(3)
  expect(await stopped).toBe(3)
})
