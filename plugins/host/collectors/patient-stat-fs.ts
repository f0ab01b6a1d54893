/**
 * statfs(2) of file systems that may never answer, as of a server that is gone. A hung call holds a thread of
 * Bun's pool, which has one for each processor and serves every other file: so few calls may hang.
 */
import type { Clock } from '../../../core/plugin.ts'
import type { StatFs } from './parse/mounts.ts'

const answerWithinMs = 1_000

/** Types whose file systems answer by a server or a program: all of a type may hang together. */
const isRemote = (type: string): boolean => /^(nfs|cifs|smb|9p|fuse|ceph|gluster|lustre|afs|virtiofs|beegfs)/.test(type)

/** @param type of the file system, where it is known @returns undefined where there is no answer within a second */
export type AskStatFs = (path: string, type?: string) => Promise<StatFs | undefined>

/** One call for a path at a time; remote file systems of one type in turn, and none while one hangs. */
export function patientStatFs(statFs: (path: string) => Promise<StatFs>, clock: Clock): AskStatFs {
  const asked = new Map<string, Promise<StatFs | undefined>>()
  const turns = new Map<string, Promise<unknown>>()
  const hanging = new Map<string, string>()

  async function ask(path: string, type: string): Promise<StatFs | undefined> {
    if ([...hanging.values()].includes(type)) {
      asked.delete(path)
      return undefined
    }
    const answered = new AbortController()
    const answer = statFs(path).catch(() => undefined)
    const done = answer.finally(() => {
      asked.delete(path)
      hanging.delete(path)
      answered.abort()
    })
    const late = clock.sleep(answerWithinMs, answered.signal).then(
      () => {
        if (isRemote(type)) hanging.set(path, type)
        return undefined
      },
      () => undefined,
    )
    return Promise.race([done, late])
  }

  return (path, type = '') => {
    const before = asked.get(path)
    if (before !== undefined) return before
    const turn = (isRemote(type) ? turns.get(type) : undefined) ?? Promise.resolve()
    const answer = turn.then(() => ask(path, type))
    asked.set(path, answer)
    if (isRemote(type)) turns.set(type, answer)
    return answer
  }
}
