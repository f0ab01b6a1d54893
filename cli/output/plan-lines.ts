/** The steps of a reload as a table. */
import type { PlanStep } from '../../core/contract/runtime-api.ts'
import { type Cli, printJson } from '../cli.ts'
import { paint } from './style.ts'
import { table } from './table.ts'

/** Prints the steps that do something. @param none what to say where nothing changes */
export function printSteps(cli: Cli, steps: readonly PlanStep[], none: string): void {
  const changes = steps.filter(({ action }) => action !== 'untouched')
  if (cli.json) printJson(cli, { changes: changes.length > 0, steps })
  else if (changes.length === 0) cli.print(none)
  else {
    const rows = changes.map(({ plugin, action, state, reason }) => [plugin, paint(cli, 'bold', action), state, reason])
    cli.print(table(['plugin', 'action', 'state', 'reason'], rows))
  }
}
