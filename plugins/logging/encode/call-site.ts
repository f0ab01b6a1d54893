/** Where a line was written, read from a stack trace. */
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

/** @param stack of an Error @param skip path prefixes that are not the caller @returns the first frame outside of them */
export function parseCallSite(stack: string, skip: readonly string[], cwd: string): CallSite | undefined {
  for (const text of stack.split('\n')) {
    const match = frame.exec(text)
    if (match === null || skip.some((prefix) => match[2]!.startsWith(prefix))) continue
    const path = match[2]!
    const inside = relative(cwd, path)
    return {
      module: inside.startsWith('..') ? path : inside,
      function: match[1] ?? '<anonymous>',
      line: Number(match[3]),
    }
  }
  return undefined
}

/** Who called the logger. Costs microseconds. */
export function callSite(): CallSite | undefined {
  const { stack } = new Error()
  return stack === undefined ? undefined : parseCallSite(stack, ownFrames, process.cwd())
}
