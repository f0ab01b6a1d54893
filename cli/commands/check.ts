/** `arkwatch check` */
import { ConfigError } from '../../core/config/errors.ts'
import { loadConfig } from '../../core/config/load.ts'
import { answer, type Command, printJson } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import { loadOptions } from '../load-options.ts'

export const check: Command = async (cli) => {
  const loaded = await loadConfig(loadOptions(cli)).catch((thrown: unknown) => {
    if (cli.json && thrown instanceof ConfigError) return thrown
    throw thrown
  })
  if (loaded instanceof ConfigError) {
    printJson(cli, { ok: false, problems: loaded.problems })
    return exitCodes.config
  }
  const { plugins, files } = loaded
  const on = plugins.filter(({ disabled }) => disabled === undefined)
  const shown = on.map(({ name, enabledBy }) => (enabledBy ? `${name} (enabled by ${enabledBy.join(', ')})` : name))
  return answer(cli, { ok: true, files, plugins: on.map(({ name }) => name), problems: [] }, () => {
    return `${cli.configFile} is good: ${on.length === 0 ? 'no plugin' : shown.join(', ')}`
  })
}
