/** Changes of the running process: `plan`, `reload`, `config plan`, `config apply`, `plugins restart`, `pause`… */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { toPlain } from '../../core/config/tree/node.ts'
import { parseYaml, type Reading } from '../../core/config/tree/yaml.ts'
import { messageOf } from '../../core/contract/errors.ts'
import type { AppliedChange, PlannedChange, PlanStep } from '../../core/contract/runtime-api.ts'
import { maxControlBodyBytes } from '../../core/control/protocol.ts'
import { answer, type Cli, type Command } from '../cli.ts'
import { cliError } from '../errors.ts'
import { instance } from '../instance.ts'
import { durationOption } from '../option-values.ts'
import { paint } from '../output/style.ts'
import { table } from '../output/table.ts'

type Steps = readonly PlanStep[]

/** Whether a step changes what runs, or why something does not run. */
const doesSomething = ({ action, off }: PlanStep) => action !== 'untouched' || off !== undefined

/** The steps that do something, as a table. @param none the text where there is no such step */
function stepLines(cli: Cli, steps: Steps, none: string): string {
  const rows = steps.filter(doesSomething).map(({ plugin, action, state, reason, off }) => {
    return [plugin, paint(cli, 'bold', action), state, off === undefined ? reason : `${reason}: ${off}`]
  })
  return rows.length === 0 ? none : table(['plugin', 'action', 'memory', 'reason'], rows)
}

const showSteps = (cli: Cli, steps: Steps, none: string): number =>
  answer(cli, { changes: steps.some(doesSomething), steps }, () => stepLines(cli, steps, none))

/** @param file a path, or `-` @returns plain data @throws CLI_USAGE where it cannot be read */
function readPatch(cli: Cli, file: string): unknown {
  const unreadable = (reason: string) =>
    cliError('CLI_USAGE', { what: `cannot read the change from ${file}: ${reason}` })
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : resolve(cli.cwd, file), 'utf8')
  } catch (error) {
    throw unreadable(messageOf(error))
  }
  if (text.length > maxControlBodyBytes)
    throw unreadable(`it has ${text.length} characters, and a change has ${maxControlBodyBytes} at most`)
  const reading: Reading = { env: {}, problems: [], files: new Set() }
  const node = parseYaml(text, file, 'overlay', reading)
  const [problem] = reading.problems
  if (problem !== undefined) throw unreadable(`${problem.message} at line ${problem.line}, column ${problem.column}`)
  return toPlain(node)
}

export const plan: Command = async (cli) =>
  showSteps(cli, await instance(cli).call<Steps>('plan'), 'a reload would change nothing')

export const reload: Command = async (cli) =>
  showSteps(cli, await instance(cli).call<Steps>('reload'), 'reloaded, nothing changed')

export const restart: Command<[string]> = async (cli, _options, plugin) =>
  showSteps(cli, (await instance(cli).call<{ steps: Steps }>('plugins.restart', { plugin })).steps, 'nothing changed')

async function switchTo(cli: Cli, plugin: string, enabled: boolean | null): Promise<number> {
  const patch = { plugins: { [plugin]: { enabled } } }
  return showSteps(cli, (await instance(cli).call<AppliedChange>('config.apply', { patch })).steps, 'nothing changed')
}

/** Removes the entry of an earlier `disable` where the plugin then runs by the configuration files. */
export const enable: Command<[string]> = async (cli, _options, plugin) => {
  const patch = { plugins: { [plugin]: { enabled: null } } }
  const { steps } = await instance(cli).call<PlannedChange>('config.plan', { patch })
  const runs = steps.some((step) => step.plugin === plugin && step.action === 'add')
  return switchTo(cli, plugin, runs ? null : true)
}
export const disable: Command<[string]> = (cli, _options, plugin) => switchTo(cli, plugin, false)

export const planPatch: Command<[string]> = async (cli, _options, file) => {
  const { steps } = await instance(cli).call<PlannedChange>('config.plan', { patch: readPatch(cli, file) })
  return showSteps(cli, steps, 'the change would change nothing')
}

export const apply: Command<[string], { confirmWithin?: string }> = async (cli, { confirmWithin }, file) => {
  const confirmWithinMs =
    confirmWithin === undefined ? undefined : durationOption('confirm-within', confirmWithin, '60s', ['1s', '1h'])
  const patch = readPatch(cli, file)
  const change = await instance(cli).call<AppliedChange>('config.apply', { patch, confirmWithinMs })
  return answer(cli, change, ({ id, steps }) => {
    const lines = stepLines(cli, steps, 'nothing changed')
    if (confirmWithin === undefined) return lines
    return `${lines}\nrolled back in ${confirmWithin} unless you run: arkwatch config confirm ${id}`
  })
}

const ending =
  (command: 'config.confirm' | 'config.rollback'): Command<[string | undefined]> =>
  async (cli, _options, id) =>
    answer(cli, await instance(cli).call<AppliedChange>(command, { id }), (change) => `${change.id}: ${change.state}`)
export const confirm = ending('config.confirm')
export const rollback = ending('config.rollback')

export const pause: Command = async (cli) => {
  await instance(cli).call('pause')
  return answer(cli, { paused: true }, () => 'monitoring is paused until `arkwatch resume`')
}

export const resume: Command = async (cli) => {
  await instance(cli).call('resume')
  return answer(cli, { paused: false }, () => 'monitoring is resumed')
}
