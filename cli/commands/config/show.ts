/** `arkwatch config` */
import { loadConfig } from '../../../core/config/load.ts'
import type { Source } from '../../../core/config/types.ts'
import { ArkwatchError } from '../../../core/contract/errors.ts'
import { type Cli, type Command, printJson } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'
import { loadOptions } from '../../load-options.ts'
import { effectiveLines } from '../../output/effective-lines.ts'

interface Effective {
  readonly config: unknown
  readonly sources: Readonly<Record<string, Source>>
}

async function fromFile(cli: Cli): Promise<Effective> {
  const { effective, sources } = await loadConfig(loadOptions(cli))
  return { config: effective, sources: Object.fromEntries(sources) }
}

async function fromInstance(cli: Cli): Promise<Effective | undefined> {
  try {
    return await instance(cli).call<Effective>('config')
  } catch (thrown) {
    if (thrown instanceof ArkwatchError && thrown.code === 'NOT_RUNNING') return undefined
    throw thrown
  }
}

const config: Command<[], { file?: boolean }> = async (cli, { file = false }) => {
  const running = file ? undefined : await fromInstance(cli)
  const { config, sources } = running ?? (await fromFile(cli))
  const origin = running === undefined ? 'file' : 'instance'
  if (cli.json) printJson(cli, { origin, config, sources })
  else {
    cli.print(effectiveLines(cli, config, sources))
    cli.warn(
      origin === 'file' ? `as ${cli.configFile} says it` : 'as the running instance has it (--file reads the file)',
    )
  }
  return exitCodes.ok
}

export default config
