/** `arkwatch check` */

import { readPending } from '../../core/config/changes/pending-file.ts'
import { missingPackage } from '../../core/config/definitions/packages.ts'
import { ConfigError } from '../../core/config/errors.ts'
import { readGraph } from '../../core/config/graph.ts'
import { loadConfig } from '../../core/config/load.ts'
import { exitCodes } from '../../core/exit-codes.ts'
import { wantedNodes } from '../../core/lifecycle/generation.ts'
import { planReload } from '../../core/lifecycle/reload-plan.ts'
import { answer, type Command, printJson } from '../cli.ts'
import { loadOptions } from '../load-options.ts'

export const check: Command = async (cli) => {
  const loaded = await loadConfig({ ...loadOptions(cli), atStart: true }).catch((thrown: unknown) => {
    if (cli.json && thrown instanceof ConfigError) return thrown
    throw thrown
  })
  if (loaded instanceof ConfigError) {
    printJson(cli, { ok: false, problems: loaded.problems })
    return exitCodes.config
  }
  const { plugins, files, dataDir } = loaded
  const rolledBack = readPending(dataDir)?.id ?? null
  // What a start does is the plan of a reload from nothing.
  const steps = planReload([], wantedNodes(readGraph(plugins)))
  const wanted = plugins.filter(({ name }) => steps.some(({ plugin, off }) => plugin === name && off === undefined))
  const failing = wanted.flatMap(({ name, definition }) => {
    const missing = missingPackage(name, definition)
    return missing === undefined ? [] : [{ plugin: name, reason: 'failed', off: missing.message }]
  })
  const off = [...steps.filter((step) => step.off !== undefined), ...failing]
  const on = wanted.filter(({ name }) => !failing.some(({ plugin }) => plugin === name))
  const shown = on.map(({ name, enabledBy }) => (enabledBy ? `${name} (enabled by ${enabledBy.join(', ')})` : name))
  if (!cli.json && rolledBack !== null)
    cli.warn(`a start rolls back the change ${rolledBack}, which is not complete or not confirmed`)
  if (!cli.json) for (const { plugin, reason, off: why } of off) cli.warn(`${plugin} stays ${reason}: ${why}`)
  const reasons = Object.fromEntries(off.map(({ plugin, off: why }) => [plugin, why]))
  const enabledBy = Object.fromEntries(on.flatMap((each) => (each.enabledBy ? [[each.name, each.enabledBy]] : [])))
  const found = {
    ok: true,
    files,
    plugins: on.map(({ name }) => name),
    enabledBy,
    off: reasons,
    problems: [],
    rolledBack,
  }
  return answer(cli, found, () => `${cli.configFile} is good: ${shown.join(', ') || 'no plugin'}`)
}
