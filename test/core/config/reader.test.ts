import { describe, expect, test } from 'bun:test'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ReadRequest, readFiles } from '../../../core/config/tree/read.ts'
import { createReader } from '../../../core/config/tree/reader.ts'
import { task, type Workers } from '../../../core/contract/tasks.ts'
import { definePlugin, z } from '../../../core/plugin.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { LogHub } from '../../../core/process/log.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import { createRuntime } from '../../../core/runtime.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'
import type { Input } from '../process/fixtures/task.ts'

const folder = mkdtempSync(join(tmpdir(), 'arkwatch-reader-'))
const padding = `# ${'x'.repeat(5_000)}\n`
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

/** Counts what goes to a worker. */
function counting(answer: Workers['run']) {
  const seen: string[] = []
  const run = ((job, input, options) => {
    seen.push(job.name)
    return answer(job, input, options)
  }) as Workers['run']
  return { seen, run }
}

describe('reading a configuration again', () => {
  test('small files are read at once, large ones by a worker, with the same result', async () => {
    const workers = createWorkers(
      { maxThreads: 1, maxQueue: 4 },
      systemClock,
      new LogHub(systemClock, recordingSink([])).logger('test'),
    )
    const { seen, run } = counting(workers.run)
    const small = write('small.yaml', 'a: ${env:NAME}\n')
    const included = write('included.yaml', `b: { c: [1, 2] }\n${padding}`)
    const large = write(
      'large.yaml',
      `include: included.yaml\na: \${env:NAME}\nb: { d: "\${env:MISSING}" }\n${padding}`,
    )
    const env = { NAME: 'seen' }
    const read = createReader(run, () => [])
    const request = (file: string): ReadRequest => ({ file, kind: 'file', env })
    expect(await read(request(small))).toEqual(readFiles(request(small)))
    expect(seen).toEqual([])
    const result = await read(request(large))
    expect(seen).toEqual(['config.read'])
    expect(result).toEqual(readFiles(request(large)))
    expect(result.files).toEqual([large, included])
    expect(result.problems.map(({ code }) => code)).toEqual(['CONFIG_ENV_UNSET'])
    await workers.close()
  })

  test('what is included counts, as it was the last time', async () => {
    const { seen, run } = counting(() => Promise.reject(new Error('no worker')))
    const included = write('included.yaml', `b: 1\n${padding}`)
    const main = write('main.yaml', 'include: included.yaml\n')
    const read = createReader(run, () => [main, included])
    const request: ReadRequest = { file: main, kind: 'file', env: {} }
    expect(await read(request)).toEqual(readFiles(request))
    expect(seen).toEqual(['config.read'])
  })
})

test('a large configuration is read again while tasks of a plugin hold every thread and wait in the queue', async () => {
  const hold = task<Input, number>('busy.hold', new URL('../process/fixtures/task.ts', import.meta.url))
  const gate = new SharedArrayBuffer(8)
  const busy = definePlugin({
    ...{ api: 1, name: 'busy', version: '1.0.0', summary: 'Holds the threads.' },
    config: z.strictObject({ note: z.string() }),
    setup: ({ workers }) => ({
      reconfigure: () => undefined,
      start() {
        for (let at = 0; at < 5; at += 1) workers.run(hold, { do: 'hold', gate }).catch(() => {})
      },
    }),
  })
  const configured = (note: string) => write('busy.yaml', `plugins: { busy: { note: ${note} } }\n${padding}`)
  const common = { catalog: {}, plugins: [busy], overlays: [], env: {}, cwd: folder, fallbackSink: recordingSink([]) }
  const runtime = await createRuntime({ file: configured('one'), ...common })
  configured('two')
  const steps = await runtime.reload()
  expect(steps.map(({ action }) => action)).toEqual(['reconfigure'])
  expect(Atomics.load(new Int32Array(gate), 1)).toBe(0)
  await runtime.stop()
})
