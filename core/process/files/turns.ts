/** Looks at files one after the other: one on a mount without its server holds one of the two threads of Bun's pool. */
import type { Clock } from '../../contract/clock.ts'
import { coreError } from '../../contract/errors.ts'
import { systemClock } from '../clock.ts'
import { readTextFile } from './text-file.ts'

const answerWithinMs = 10_000

/**
 * @returns looks at a file when the looks before are over; throws FILE_SYSTEM_HANGS where a file has not answered for
 * 10 s, and then immediately until that file answers
 */
export function createTurns(clock: Pick<Clock, 'after'>) {
  let last = Promise.resolve()
  let hung: Error | undefined
  const refusals = new Set<(error: Error) => void>()
  return <T>(file: string, look: (file: string) => Promise<T>): Promise<T> => {
    if (hung !== undefined) return Promise.reject(hung)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    refusals.add(reject)
    last = last.then(async () => {
      if (!refusals.has(reject)) return
      const cancel = clock.after(answerWithinMs, () => {
        hung = coreError('FILE_SYSTEM_HANGS', {
          path: file,
          reason: `has not answered for ${answerWithinMs / 1_000} s`,
        })
        for (const refuse of refusals) refuse(hung)
        refusals.clear()
      })
      await look(file).then(resolve, reject)
      cancel()
      refusals.delete(reject)
      hung = undefined
    })
    return promise
  }
}

const inTurn = createTurns(systemClock)

/** The text of a regular file of at most 1 MiB, read when the reads before are over. @throws also FILE_SYSTEM_HANGS */
export const readInTurn = (file: string): Promise<string> => inTurn(file, readTextFile)
