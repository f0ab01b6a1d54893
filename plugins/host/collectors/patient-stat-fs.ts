/** statfs(2) of many file systems: a hung one costs its caller a second once, and the others are read. */
import { type Clock, type Mount, mayHang, type StatFs, withDeadline } from '../../../core/plugin.ts'

const answerWithinMs = 1_000

/** @param mount of the path, where it is known @returns undefined where there is no answer within a second */
export type AskStatFs = (path: string, mount?: Pick<Mount, 'device' | 'fstype'>) => Promise<StatFs | undefined>

/** The server of `//server/share` and `server:/path`: all its file systems hang together. */
const serverOf = (device: string): string => /^(\/\/[^/]+|[^/].*?(?=:\/))/.exec(device)?.[0] ?? device

/** Remote file systems are asked in turn, so that one thread serves them all; none of a server while one hangs. */
export function patientStatFs(statFs: (path: string, type?: string) => Promise<StatFs>, clock: Clock): AskStatFs {
  const hanging = new Set<string>()
  let turn: Promise<unknown> = Promise.resolve()

  async function ask(path: string, of: string, type?: string): Promise<StatFs | undefined> {
    if (hanging.has(of)) return undefined
    const answer = statFs(path, type)
      .catch(() => undefined)
      .finally(() => hanging.delete(of))
    return withDeadline(answer, answerWithinMs, clock, () => new Error('no answer')).catch(() => {
      hanging.add(of)
      return undefined
    })
  }

  return (path, mount) => {
    if (mount === undefined || !mayHang(mount.fstype)) return ask(path, path, mount?.fstype)
    const answer = turn.then(() => ask(path, serverOf(mount.device), mount.fstype))
    turn = answer
    return answer
  }
}
