/** The place where a line was written, read from a stack trace. */
import { dirname, relative } from 'node:path'
import { loggerFile } from '../../../core/plugin.ts'

export interface CallSite {
  /** Path of the file, relative to the working directory. */
  readonly module: string
  readonly function: string
  readonly line: number
}

const frame = /^\s*at (?:async )?(?:(.*?) \()?(?:file:\/\/)?(.*?):(\d+)(?::\d+)?\)?$/
const ownFrames = [dirname(import.meta.dir), loggerFile]

/** The caller of the logger. Costs microseconds. */
export function callSite(): CallSite | undefined {
  for (const text of new Error().stack?.split('\n') ?? []) {
    const [, name = '<anonymous>', path, line] = frame.exec(text) ?? []
    if (path === undefined || ownFrames.some((prefix) => path.startsWith(prefix))) continue
    const inside = relative(process.cwd(), path)
    return { module: inside.startsWith('..') ? path : inside, function: name, line: Number(line) }
  }
  return undefined
}
