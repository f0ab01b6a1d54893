/** The thread of the writer: one writer for each file. Imports no zod. */
import { parentPort, workerData } from 'node:worker_threads'
import { serveRequests, systemClock } from '../../core/worker.ts'
import { Progress } from './progress.ts'
import type { FromWriter, StoreRequest, ToWriter, WriterData } from './protocol.ts'
import { fileBeside } from './store-file.ts'
import { groupSize, StoreWriter } from './writer.ts'

const { path, maxBytes, maintainEveryMs, ...data } = workerData as WriterData
const progress = new Progress(data.progress)
const say = (message: FromWriter) => parentPort!.postMessage(message)

const writers = new Map<string | undefined, StoreWriter>()
function writerOf(file: string | undefined): StoreWriter {
  const options = { path: fileBeside(path, file), maxBytes, now: systemClock.now }
  const writer = writers.get(file) ?? new StoreWriter(options, progress)
  writers.set(file, writer)
  return writer
}

let said: string | null | undefined = null
const asides = new Set<string>()
function sayState(): void {
  for (const { aside } of writers.values()) {
    if (aside !== undefined && !asides.has(aside)) say({ kind: 'aside', aside })
    if (aside !== undefined) asides.add(aside)
  }
  // The store's own file is the first.
  const problem = [...writers.values()].map((writer) => writer.problem).find((one) => one !== undefined)
  if (problem === said) return
  said = problem
  say({ kind: 'state', problem, isMain: problem !== undefined && problem === writers.get(undefined)?.problem })
}

const sum = (of: (writer: StoreWriter) => number) => [...writers.values()].reduce((all, writer) => all + of(writer), 0)
const saySize = () => say({ kind: 'size', bytes: sum((one) => one.sizeBytes), commits: sum((one) => one.commits) })

interface Waiting {
  readonly file: string | undefined
  readonly request: StoreRequest
  readonly resolve: (value: unknown) => void
  readonly reject: (failure: unknown) => void
}
const waiting: Waiting[] = []
/** Answers a group at a time: the main thread must not have to take thousands of answers in one turn. */
function answerSome(): void {
  for (const [file, group] of Map.groupBy(waiting.splice(0, groupSize), (one) => one.file)) {
    const answers = writerOf(file).answer(group.map(({ request }) => request))
    answers.forEach((answer, at) => {
      if (answer.ok) group[at]!.resolve(answer.value)
      else group[at]!.reject(answer)
    })
  }
  sayState()
  if (waiting.length > 0) setImmediate(answerSome)
}

function maintain(): void {
  let isMore = false
  for (const writer of writers.values()) isMore = writer.maintain() || isMore
  if (isMore) setImmediate(maintain)
  sayState()
  saySize()
}
systemClock.every(maintainEveryMs, maintain)

try {
  writerOf(undefined).open()
} catch {
  // The problem is in the state; the next request tries again.
}
sayState()
saySize()
serveRequests(parentPort!, (message: ToWriter) => {
  if (message.kind === 'close') {
    for (const writer of writers.values()) writer.close()
    return
  }
  const { file, ...request } = message
  if (request.kind === 'iterate') return writerOf(file).iterate(request.area, request.sql, request.params)
  return new Promise((resolve, reject) => {
    // What arrives in the same turn shares a commit.
    if (waiting.push({ file, request, resolve, reject }) === 1) setImmediate(answerSome)
  })
})
