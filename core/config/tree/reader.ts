/** Reads small configuration files on this thread, large ones in a worker. */
import { task, type Workers } from '../../contract/tasks.ts'
import { type ReadFiles, type ReadRequest, type ReadResult, readFiles } from './read.ts'

/** The size that this thread parses in less than five milliseconds. */
const maxBytesHere = 4_096

const readTask = task<ReadRequest, ReadResult>('config.read', new URL('./tasks/read.ts', import.meta.url))

/** @param known the files that were read last, whose sizes predict the next parse */
export function createReader(run: Workers['run'], known: () => readonly string[]): ReadFiles {
  return async (request) => {
    const files = request.kind === 'overlay' ? [request.file] : [...new Set([request.file, ...known()])]
    const bytes = request.text?.length ?? files.reduce((sum, file) => sum + Bun.file(file).size, 0)
    // A pipe or a device has no end, and is refused immediately.
    if (bytes <= maxBytesHere || bytes === Infinity) return readFiles(request)
    return run(readTask, { ...request, env: { ...request.env } }).catch(() => readFiles(request))
  }
}
