/** `arkwatch plugins` */
import type { PluginStatus, RuntimeStatus } from '../../../core/contract/runtime-api.ts'
import { answer, type Cli, type Command } from '../../cli.ts'
import { instance } from '../../instance.ts'
import { paint, paintState } from '../../output/style.ts'
import { table } from '../../output/table.ts'

const head = ['plugin', 'version', 'state', 'start', 'errors', 'needs', 'reason']
const rowOf = (cli: Cli, { name, version, state, required, startMs, errors, needs, wants, reason }: PluginStatus) => [
  ...[required ? `${name}*` : name, version, paintState(cli, state)],
  ...[state === 'disabled' ? '' : `${startMs.toFixed(0)} ms`, String(errors)],
  ...[[...needs, ...wants.map((want) => `${want}?`)].join(' '), reason],
]

export const list: Command = async (cli) => {
  const status = await instance(cli).call<RuntimeStatus>('status')
  const rows = status.plugins.map((plugin) => rowOf(cli, plugin))
  const exitCode = answer(cli, status, () => table(head, rows))
  if (cli.json) return exitCode
  const notes = [
    ...[`arkwatch ${status.version}`, `pid ${status.pid}`, `configuration ${status.generation}`],
    ...(status.paused ? ['monitoring paused'] : []),
    ...(status.lastReload.ok ? [] : [`last reload refused: ${status.lastReload.error}`]),
  ]
  cli.warn(paint(cli, 'dim', notes.join(', ')))
  return exitCode
}
