/** `arkwatch init` */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { loadConfig } from '../../core/config/load.ts'
import { messageOf } from '../../core/contract/errors.ts'
import { answer, type Command } from '../cli.ts'
import { cliError } from '../errors.ts'
import { renderConfig } from '../init/render-config.ts'
import { type Finding, survey } from '../init/survey.ts'
import { loadOptions } from '../load-options.ts'
import { table } from '../output/table.ts'

const probeTimeoutMs = 1_000
const defaultPort = 8080

/** The schema of this package, where an editor can reach it from the file. */
function schemaFor(file: string): string | undefined {
  const path = relative(dirname(file), join(import.meta.dir, '../../config.schema.json'))
  return path.startsWith('..') ? undefined : `./${path}`
}

const isFree = (port: number): boolean => {
  try {
    Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } }).stop(true)
    return true
  } catch {
    return false
  }
}

/** @returns the first free port of loopback from `first` on, within the next hundred */
function freePort(first: number): number {
  for (let port = first; port < first + 100; port += 1) if (isFree(port)) return port
  return first
}

const row = ({ name, title, host, port, variable, named, answer }: Finding) => [
  name,
  answer?.version ?? title,
  `${host}:${port}`,
  named ? variable : 'local port',
  answer === undefined ? 'does not answer' : answer.open || named ? 'answers' : `answers; set ${variable}`,
]

export const init: Command<[], { force?: boolean }> = async (cli, { force = false }) => {
  const file = cli.configFile
  if (!force && existsSync(file)) throw cliError('CLI_FILE_EXISTS', { file })
  const findings = await survey({ env: cli.env, timeoutMs: probeTimeoutMs })
  const port = freePort(defaultPort)
  const watchdogPort = freePort(port + 1)
  const text = renderConfig({ findings, port, watchdogPort, schema: schemaFor(file) })
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text, { flag: force ? 'w' : 'wx' })
  } catch (thrown) {
    const { code, syscall } = thrown as NodeJS.ErrnoException
    if (code === 'EEXIST' && syscall === 'open') throw cliError('CLI_FILE_EXISTS', { file }, thrown)
    throw cliError('CLI_FILE_UNWRITABLE', { file, reason: messageOf(thrown) }, thrown)
  }
  await loadConfig(loadOptions(cli))
  const found = findings.length > 0 ? `${table(['check', 'what', 'where', 'by', 'state'], findings.map(row))}\n` : ''
  const written = { file, port, watchdogPort, findings }
  return answer(cli, written, () => `${found}wrote ${file}; start it with \`arkwatch start\``)
}
