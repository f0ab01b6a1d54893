/**
 * What a log line and an access record cost on the request thread. CPU time, minimum of many short runs, cases interleaved in
 * one process; each as a ratio to pino to nothing in the same run.
 */
import { pino } from 'pino'
import type { Logger, LogRecord } from '../../core/contract/logger.ts'
import { createRedactor } from '../../core/contract/redact/redactor.ts'
import type { Route } from '../../core/contract/request-hooks.ts'
import { systemClock } from '../../core/process/clock.ts'
import { createWorkers } from '../../core/process/workers.ts'
import { AccessLog } from '../../plugins/logging/access/access-log.ts'
import { AccessRingReader, AccessRingWriter, createAccessMemory } from '../../plugins/logging/access/access-ring.ts'
import { accessLogConfig, LoggingConfig } from '../../plugins/logging/config.ts'
import { createLineEncoder } from '../../plugins/logging/encode/line-encoder.ts'
import { LogEngine } from '../../plugins/logging/engine.ts'
import { createLogger } from '../../plugins/logging/loggers.ts'
import { RequestWatch } from '../../plugins/logging/requests/request-watch.ts'

const rounds = Number(process.env.ROUNDS ?? 30)
const fields = {
  method: 'GET',
  route: '/api/v1/users/:id',
  status: 200,
  user: { id: 5, name: 'ann', auth: { token: 'abcdefg', scope: 'all' } },
  tags: ['a', 'b'],
}
const nothing = { write() {} }
const plain = pino({}, nothing)
const redacting = pino({ redact: ['password', 'token', '*.password', '*.token', '*.*.password', '*.*.token'] }, nothing)
const encode = createLineEncoder({ redactor: createRedactor(), callSite: false })
const record: LogRecord = {
  timeMs: systemClock.now(),
  level: 'info',
  logger: 'app',
  message: 'request handled',
  fields,
}
const bare: LogRecord = { timeMs: systemClock.now(), level: 'info', logger: 'app', message: 'request handled' }

const config = (more: object) => LoggingConfig.parse({ console: { enabled: false }, storm: { first: 0 }, ...more })
async function engine(more: object) {
  const made = new LogEngine(config(more), systemClock, '/')
  await made.configure(config(more))
  return createLogger(made, systemClock, 'app')
}
const memoryOnly = await engine({})
const toFile = await engine({ file: { path: '/dev/null' }, buffer: '256MiB' })

const memory = createAccessMemory(16_384)
const ring = new AccessRingWriter(memory)
const reader = new AccessRingReader(memory)
const route: Route = { id: 3, method: 'GET', pattern: '/users/:id' }
const silent = { error() {}, warn() {} } as unknown as Logger
const withText = new AccessLog({
  config: accessLogConfig(config({ access: { file: '/dev/null', path: true, requestId: true, capacity: 1_048_576 } }))!,
  dataDir: '/',
  redact: {},
  clock: systemClock,
  workers: createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, silent),
})
await withText.start()
const request = new Request('http://localhost/users/5?page=2', { headers: { 'x-request-id': 'abc' } })
const watch = new RequestWatch({
  log: memoryOnly,
  clock: systemClock,
  workers: createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, silent),
  dataDir: '/',
  eventLoop: undefined,
  runtime: undefined,
})
await watch.configure(config({}), {})
const observe = watch.hooks(config({})).observe!
const batch = 10_000
/** Batches of a case so cheap that one is below the resolution of the clock. */
const manyBatches = 100

interface Case {
  readonly name: string
  readonly goalNs?: number
  readonly batches?: number
  run(): void
  afterBatch?(): void
  after?(): void | Promise<void>
  bestNs: number
}
const cases: Case[] = [
  { name: 'pino to nothing', run: () => plain.info(fields, 'request handled'), bestNs: Number.POSITIVE_INFINITY },
  {
    name: 'pino, 6 redact paths',
    run: () => redacting.info(fields, 'request handled'),
    bestNs: Number.POSITIVE_INFINITY,
  },
  {
    name: 'ours, any-depth redaction',
    goalNs: 5_000,
    run: () => void encode(record),
    bestNs: Number.POSITIVE_INFINITY,
  },
  { name: 'ours, message only', run: () => void encode(bare), bestNs: Number.POSITIVE_INFINITY },
  {
    name: 'ours, whole way, memory only',
    run: () => memoryOnly.info('request handled', fields),
    bestNs: Number.POSITIVE_INFINITY,
  },
  {
    name: 'ours, whole way, file',
    run: () => toFile.info('request handled', fields),
    after: () => systemClock.sleep(30),
    bestNs: Number.POSITIVE_INFINITY,
  },
  {
    name: 'ours, level off',
    batches: manyBatches,
    run: () => memoryOnly.debug('request handled', fields),
    bestNs: Number.POSITIVE_INFINITY,
  },
  {
    name: 'access record',
    goalNs: 150,
    run: () => ring.push(route.id, 200, 1.5, 1_000),
    batches: manyBatches,
    afterBatch: () => reader.release(reader.waiting),
    bestNs: Number.POSITIVE_INFINITY,
  },
  {
    name: 'observe hook, defaults',
    batches: manyBatches,
    run: () => observe(route, 200, 1.5, 1_000),
    bestNs: Number.POSITIVE_INFINITY,
  },
  {
    name: 'access record, path and id',
    run: () => withText.recordText(route, 200, 1.5, 1_000, request),
    after: () => withText.flush(),
    bestNs: Number.POSITIVE_INFINITY,
  },
]

for (let round = 0; round < rounds; round += 1) {
  for (const each of cases) {
    const before = process.threadCpuUsage()
    const { batches = 1 } = each
    for (let again = 0; again < batches; again += 1) {
      for (let index = 0; index < batch; index += 1) each.run()
      each.afterBatch?.()
    }
    const { user, system } = process.threadCpuUsage(before)
    each.bestNs = Math.min(each.bestNs, ((user + system) * 1_000) / batch / batches)
    await each.after?.()
  }
}

const base = cases[0]!.bestNs
console.log('case                             ns     ratio  goal')
for (const { name, bestNs, goalNs } of cases) {
  const goal = goalNs === undefined ? '' : `≤ ${goalNs} ns: ${bestNs <= goalNs ? 'met' : 'MISSED'}`
  console.log(
    `${name.padEnd(30)} ${bestNs.toFixed(bestNs < 100 ? 1 : 0).padStart(6)} ${(bestNs / base).toFixed(2).padStart(8)}  ${goal}`,
  )
}
console.log(`access lines lost: ${withText.dropped}`)
process.exit(0)
