/** docs/surface.txt: everything that users hold, one line for each. */
import { ArkwatchError } from '../../../core/contract/errors.ts'
import type { LogRecord } from '../../../core/contract/logger.ts'
import { createRedactor } from '../../../core/contract/redact/redactor.ts'
import { exitCodes, forcedExitCode } from '../../../core/exit-codes.ts'
import { systemClock } from '../../../core/process/clock.ts'
import manifest from '../../../package.json' with { type: 'json' }
import { AccessLineEncoder } from '../../../plugins/logging/access/access-line.ts'
import { createLineEncoder } from '../../../plugins/logging/encode/line-encoder.ts'
import { createLogger } from '../../../plugins/logging/loggers.ts'
import type { ErrorSection } from '../error-docs.ts'
import { commandLine } from './command-line.ts'
import { configKeys } from './config-keys.ts'
import { readRuntime } from './runtime.ts'
import { readSource } from './source.ts'

const head = `# Everything that users of Arkwatch hold, one line for each. Generated from the source.
# A line may be added freely; one that changes or goes needs a fragment of the type breaking in changelog.d.`

const ownerOf = (file: string) => /^plugins\/([\w-]+)\//.exec(file)?.[1] ?? 'core'

/** Keys that every line has, whatever is logged. */
function lineKeys(): string[] {
  const encode = createLineEncoder({
    redactor: createRedactor({}),
    callSite: true,
    currentRequest: () => ({ requestId: 'r', traceId: 't' }),
  })
  const fields = { error: new ArkwatchError('CODE', '', '', {}, new Error('cause')) }
  const lines: string[] = []
  const sink = { isEnabled: () => true, write: (record: LogRecord) => void lines.push(encode(record)) }
  createLogger(sink, systemClock, 'core').info('', fields)
  const line = JSON.parse(lines[0]!) as typeof fields
  const access = new Uint8Array(1_024)
  const end = new AccessLineEncoder().encode({ routeId: 0, status: 200, durationMs: 0, endedMs: 0 }, access, 0)
  const accessLine = JSON.parse(new TextDecoder().decode(access.subarray(0, end))) as object
  return [
    ...Object.keys(line).map((key) => `every line: ${key}`),
    ...Object.keys(line.error).map((key) => `every line: error.${key}`),
    // The last two are added by options of their names.
    ...[...Object.keys(accessLine), 'path', 'requestId'].map((key) => `access line: ${key}`),
  ]
}

export async function surface(root: string, schema: unknown, errors: readonly ErrorSection[]): Promise<string> {
  const entries = Object.entries(manifest.exports).filter(([, path]) => path.endsWith('.ts'))
  const named = Object.fromEntries(entries.map(([name, path]) => [name.replace('.', manifest.name), path]))
  // One after the other: both need all of the processor.
  const running = await readRuntime()
  const source = await readSource(root, named, ownerOf)
  const metrics = new Map([...source.metrics, ...running.metrics])
  for (const { pattern, at } of source.madeMetrics)
    if (![...running.metrics.keys()].some((name) => pattern.test(name)))
      throw new Error(`${at}: the name of a metric cannot be read from its declaration`)
  const codes = errors.flatMap(({ table }) => Object.entries(table))
  const sections: readonly (readonly [string, string, readonly string[]])[] = [
    ['Exports of the package', 'export', source.exports],
    ['Keys of config.yaml', 'config', configKeys(schema)],
    ['Commands and options', '', await commandLine()],
    ['Exit codes', 'exit', [...Object.entries(exitCodes), ['forced', forcedExitCode]].map(([n, c]) => `${n}: ${c}`)],
    ['Error codes', 'error', codes.map(([code, { status }]) => (status === undefined ? code : `${code}: ${status}`))],
    ['Commands of the control socket', 'control', running.controlCommands],
    ['Operations of the admin API', 'operation', running.operations],
    ['Components of its OpenAPI document', 'component', running.components],
    ['Metrics', 'metric', [...metrics].map(([name, type]) => `${name}: ${type}`)],
    ['Fields of log lines', 'log', [...lineKeys(), ...source.logFields]],
    ['Files in the data folder', 'file', [...source.dataFiles, ...running.dataFiles]],
  ]
  const blocks = sections.map(([title, kind, items]) => {
    const lines = [...new Set(items.map((item) => `${kind} ${item}`.trim()))].sort()
    return [`# ${title}`, ...lines].join('\n')
  })
  return `${[head, ...blocks].join('\n\n')}\n`
}
