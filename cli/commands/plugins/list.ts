/** `arkwatch plugins` */
import type { PluginStatus, RuntimeStatus } from '../../../core/contract/runtime-api.ts'
import { type Command, printJson } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'
import { paint, paintState } from '../../output/style.ts'
import { table } from '../../output/table.ts'

const needsOf = ({ needs, wants }: PluginStatus) => [...needs, ...wants.map((want) => `${want}?`)].join(' ')

const plugins: Command = async (cli) => {
  const status = await instance(cli).call<RuntimeStatus>('status')
  if (cli.json) {
    printJson(cli, status)
    return exitCodes.ok
  }
  const rows = status.plugins.map((plugin) => [
    plugin.required ? `${plugin.name}*` : plugin.name,
    plugin.version,
    paintState(cli, plugin.state),
    plugin.state === 'disabled' ? '' : `${plugin.startMs.toFixed(0)} ms`,
    String(plugin.errors),
    needsOf(plugin),
    plugin.reason,
  ])
  cli.print(table(['plugin', 'version', 'state', 'start', 'errors', 'needs', 'reason'], rows))
  const notes = [
    `arkwatch ${status.version}`,
    `pid ${status.pid}`,
    `configuration ${status.generation}`,
    ...(status.paused ? ['monitoring paused'] : []),
    ...(status.lastReload.ok ? [] : [`last reload refused: ${status.lastReload.error}`]),
  ]
  cli.warn(paint(cli, 'dim', notes.join(', ')))
  return exitCodes.ok
}

export default plugins
