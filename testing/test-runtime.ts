/** A whole runtime in a test: plugins given in code, a test clock, log lines kept. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../core/contract/clock.ts'
import type { AnyPlugin, Catalog } from '../core/contract/definition.ts'
import type { LogRecord, LogSink } from '../core/contract/logger.ts'
import type { RunningRuntime } from '../core/running-runtime.ts'
import { createRuntime } from '../core/runtime.ts'
import { catalog } from '../plugins/catalog.ts'
import { heldWorkers } from './held-workers.ts'
import { type TestClock, testClock } from './test-clock.ts'

export interface TestRuntimeOptions<C extends Clock = TestClock> {
  /** Plugins given in code, each with its section of `config.plugins`, if there is one. */
  readonly plugins?: readonly unknown[]
  /** Plugins by name, imported when `config.plugins` names them. @default those that come with Arkwatch */
  readonly catalog?: Catalog
  /** The content of config.yaml. `data` is a new temporary directory unless given. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** @default a new test clock */
  readonly clock?: C
}

export interface TestRuntime<C extends Clock = TestClock> {
  readonly runtime: RunningRuntime
  readonly clock: C
  /** The lines logged while no logging plugin was up. */
  readonly lines: readonly LogRecord[]
  /** Sends a request to the plugins' routes, without a socket. @param path `/readyz` */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Reloads with another configuration. */
  reload(config: Readonly<Record<string, unknown>>): ReturnType<RunningRuntime['reload']>
  stop(): Promise<{ hung: string[] }>
  [Symbol.asyncDispose](): Promise<void>
}

/** A log sink that keeps records in an array. */
export const recordingSink = (lines: LogRecord[]): LogSink => ({
  isEnabled: () => true,
  write: (record) => void lines.push(record),
})

/** Boots a runtime with `plugins`. @throws the errors of `createRuntime` */
export async function testRuntime<C extends Clock = TestClock>(
  options: TestRuntimeOptions<C> = {},
): Promise<TestRuntime<C>> {
  const clock = options.clock ?? (testClock() as Clock as C)
  const lines: LogRecord[] = []
  const data = mkdtempSync(join(tmpdir(), 'arkwatch-test-'))
  const workers = heldWorkers(clock)
  const load = {
    object: { data, ...options.config } as Record<string, unknown>,
    env: { ...options.env },
    catalog: options.catalog ?? catalog,
    overlays: [],
    plugins: (options.plugins ?? []) as AnyPlugin[],
    cwd: data,
    clock,
    workers: workers.create,
    fallbackSink: recordingSink(lines),
  }
  const remove = () => rmSync(data, { recursive: true, force: true })
  const runtime = await workers
    .during(() => createRuntime(load))
    .catch((thrown) => {
      remove()
      throw thrown
    })
  const stop = () => workers.during(() => runtime.stop()).finally(remove)
  return {
    runtime,
    clock,
    lines,
    fetch: async (path, init) => runtime.fetch(new Request(`http://localhost${path}`, init)),
    reload: (config) => {
      load.object = { data, ...config }
      return workers.during(() => runtime.reload())
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}
