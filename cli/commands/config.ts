/** `arkwatch config` */
import { describeSource } from '../../core/config/effective.ts'
import { loadConfig } from '../../core/config/load.ts'
import type { Path } from '../../core/config/tree/node.ts'
import type { Source } from '../../core/config/types.ts'
import { jsonPointer } from '../../core/contract/config-problem.ts'
import { ArkwatchError } from '../../core/contract/errors.ts'
import { answer, type Cli, type Command } from '../cli.ts'
import { instance } from '../instance.ts'
import { loadOptions } from '../load-options.ts'
import { paint } from '../output/style.ts'
import { table } from '../output/table.ts'

interface Effective {
  readonly config: unknown
  readonly sources: Readonly<Record<string, Source | string>>
}

async function fromFile(cli: Cli): Promise<Effective> {
  const { effective, sources } = await (await loadConfig({ ...loadOptions(cli), atStart: true })).describe()
  return { config: effective, sources: Object.fromEntries(sources) }
}

async function fromInstance(cli: Cli): Promise<Effective | undefined> {
  try {
    return await instance(cli).call<Effective>('config')
  } catch (thrown) {
    if (thrown instanceof ArkwatchError && (thrown.code === 'NOT_RUNNING' || thrown.code === 'CONTROL_ABSENT'))
      return undefined
    throw thrown
  }
}

function leavesOf(value: unknown, path: Path = []): { readonly path: Path; readonly value: unknown }[] {
  const entries = Array.isArray(value)
    ? value.map((item, index) => [index, item] as const)
    : Object.entries(typeof value === 'object' && value !== null ? value : {})
  return entries.length === 0 ? [{ path, value }] : entries.flatMap(([key, item]) => leavesOf(item, [...path, key]))
}

function rowsOf(cli: Cli, { config, sources }: Effective): string[][] {
  return leavesOf(config).map(({ path, value }) => {
    const source = sources[jsonPointer(path)]
    const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value)
    const isDefault = ['default', undefined].includes(typeof source === 'string' ? source : source?.kind)
    const shown = isDefault ? text : paint(cli, 'bold', text)
    return [path.join('.'), shown, paint(cli, 'dim', describeSource(source, cli.cwd))]
  })
}

export const show: Command<[], { file?: boolean }> = async (cli, { file = false }) => {
  const running = file ? undefined : await fromInstance(cli)
  const { config, sources } = running ?? (await fromFile(cli))
  const [origin, note] =
    running === undefined
      ? ['file', `as read from ${cli.configFile}`]
      : ['instance', 'as the running process has it (--file reads the file)']
  const rows = (found: Effective) => table(['key', 'value', 'source'], rowsOf(cli, found))
  const exitCode = answer(cli, { origin, config, sources }, rows)
  if (!cli.json) cli.warn(note!)
  return exitCode
}
