/** The thread that formats and writes the access log. Imports no zod. */
import { parentPort, workerData } from 'node:worker_threads'
import { announceReady, createRedactor, messageOf, systemClock } from '../../../core/worker.ts'
import type { AccessRow, AccessWorkerData, FromAccessWorker, ToAccessWorker } from './access-protocol.ts'
import { AccessRingReader } from './access-ring.ts'
import { AccessWriter } from './access-writer.ts'

const drainEveryMs = 20
const checkEveryMs = 1_000
/** Turns after which records are written without the name of their route. */
const patienceTurns = 50
const pauseMs = 5

const { memory, destination, redact } = workerData as AccessWorkerData
const ring = new AccessRingReader(memory)
const { text } = createRedactor(redact)
const blocked = () => {
  Bun.sleepSync(pauseMs)
  return !ring.takenOver
}
const writer = new AccessWriter(ring, destination, text, systemClock.now, blocked)
const say = (message: FromAccessWorker) => parentPort!.postMessage(message)

let problem: string | undefined
/** The file was moved and could not be opened again. */
let isMisplaced = false
let notBeforeMs = 0
let patience = patienceTurns
let lastBatch = ring.batchesWritten()
const batches: { batch: number; rows: readonly AccessRow[] }[] = []

function report(now: string | undefined): void {
  if (now === problem) return
  problem = now
  say({ kind: 'problem', problem })
}

function drain(force = false): void {
  if (problem !== undefined && !force && systemClock.monotonic() < notBeforeMs) return
  if (!ring.enter()) return
  try {
    const written = writer.drain(patience > 0 && !force)
    patience = written > 0 || ring.waiting === 0 ? patienceTurns : patience - 1
    while (batches.length > 0 && writer.rows(batches[0]!.rows)) {
      lastBatch = batches.shift()!.batch
      ring.batchWritten()
    }
    if (!isMisplaced) report(undefined)
  } catch (error) {
    notBeforeMs = systemClock.monotonic() + checkEveryMs
    report(`cannot write the access log: ${messageOf(error)}`)
  } finally {
    ring.leave()
  }
}

parentPort!.on('message', (message: ToAccessWorker) => {
  switch (message.kind) {
    case 'route':
      writer.encoder.setRoute(message.id, message.route)
      return
    case 'rows':
      if (message.batch > lastBatch + batches.length) batches.push(message)
      return
    case 'destination':
      drain(true)
      if (ring.enter()) {
        writer.redirect(message.destination)
        ring.leave()
      }
      return
    case 'flush':
      drain(true)
      say({ kind: 'flushed' })
  }
})

systemClock.every(drainEveryMs, () => drain())
systemClock.every(checkEveryMs, () => {
  if (!ring.enter()) return
  try {
    writer.check(problem !== undefined)
    isMisplaced = false
  } catch (error) {
    isMisplaced = true
    report(`cannot write the access log: ${messageOf(error)}`)
  } finally {
    ring.leave()
  }
})
announceReady(parentPort!)
