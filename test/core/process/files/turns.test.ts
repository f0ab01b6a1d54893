import { expect, test } from 'bun:test'
import { createTurns } from '../../../../core/process/files/turns.ts'
import { testClock } from '../../../../testing/test-clock.ts'

test('one file at a time is looked at; one that hangs is named, and nobody looks at another until it answers', async () => {
  const clock = testClock()
  const inTurn = createTurns(clock)
  const looks: string[] = []
  const answers = new Map<string, () => void>()
  const look = (file: string) => {
    looks.push(file)
    if (file !== '/dead/a') return Promise.resolve(file)
    return new Promise<string>((resolve) => answers.set(file, () => resolve(file)))
  }
  expect(await Promise.all(['/x', '/y'].map((file) => inTurn(file, look)))).toEqual(['/x', '/y'])
  const all = Promise.allSettled(['/dead/a', '/dead/b', '/x'].map((file) => inTurn(file, look)))
  await clock.advance(10_000)
  const message = 'the file system of /dead/a has not answered for 10 s'
  for (const each of await all) expect(each).toMatchObject({ status: 'rejected', reason: { message } })
  await expect(inTurn('/x', look)).rejects.toMatchObject({ code: 'FILE_SYSTEM_HANGS', message })
  answers.get('/dead/a')?.()
  await clock.advance(1)
  expect(await inTurn('/x', look)).toBe('/x')
  await expect(inTurn('/x', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
  expect(looks).toEqual(['/x', '/y', '/dead/a', '/x'])
  expect(clock.pending).toBe(0)
})
