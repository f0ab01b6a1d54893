/** Reads and parses the files of a configuration, which takes a millisecond for each KiB. */
import type { TaskResult } from '../../../contract/tasks.ts'
import type { ReadRequest, ReadResult } from '../read.ts'
import { readFiles } from '../read.ts'

export default (request: ReadRequest): TaskResult<ReadResult> => ({ ok: true, value: readFiles(request) })
