/** The thread of the writer. Imports no zod. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../core/worker.ts'
import type { FromWriter, StoreRequest, WriterData } from './protocol.ts'
import { groupSize, StoreWriter } from './writer.ts'

const { path, maxBytes, maintainEveryMs } = workerData as WriterData
const writer = new StoreWriter({ path, maxBytes, now: systemClock.now })
const say = (message: FromWriter) => parentPort!.postMessage(message)

let said: string | null | undefined = null
function sayState(): void {
  const { problem, aside } = writer
  if (problem === said) return
  said = problem
  say({ kind: 'state', problem, aside })
}

const waiting: StoreRequest[] = []
function answerSome(): void {
  const answers = writer.answer(waiting.splice(0, groupSize))
  sayState()
  // A group at a time: the main thread must not have to take thousands of answers in one turn.
  say({ kind: 'answers', answers })
  if (waiting.length > 0) setImmediate(answerSome)
}

parentPort!.on('message', (request: StoreRequest) => {
  // What arrives in the same turn shares a commit.
  if (waiting.push(request) === 1) setImmediate(answerSome)
})

function maintain(): void {
  if (writer.maintain()) setImmediate(maintain)
  sayState()
  say({ kind: 'size', bytes: writer.sizeBytes, commits: writer.commits })
}
systemClock.every(maintainEveryMs, maintain)

try {
  writer.open()
} catch {
  // The problem is in the state; the next request tries again.
}
sayState()
say({ kind: 'size', bytes: writer.sizeBytes, commits: writer.commits })
