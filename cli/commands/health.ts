/** `arkwatch health` */
import { parseDuration } from '../../core/contract/units.ts'
import type { ComprehensiveJson } from '../../plugins/health/answers/report.ts'
import { type Cli, type Command, printJson } from '../cli.ts'
import { cliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { instance } from '../instance.ts'
import { paintState } from '../output/style.ts'
import { table } from '../output/table.ts'

interface Options {
  readonly live?: boolean
  readonly url?: string
  readonly timeout: string
}

const age = (ms: number | null) => (ms === null ? 'never' : `${Math.round(ms / 1_000)} s ago`)

function show(cli: Cli, { status, checks, off = {} }: ComprehensiveJson): void {
  const rows = Object.entries(checks).map(([name, check]) => [
    check.critical ? `${name}*` : name,
    paintState(cli, check.status),
    check.latency_ms === null ? '' : `${check.latency_ms} ms`,
    age(check.age_ms),
    check.error ?? '',
  ])
  rows.push(...Object.entries(off).map(([name, reason]) => [name, paintState(cli, 'off'), '', '', reason]))
  if (rows.length > 0) cli.print(table(['check', 'status', 'latency', 'seen', 'reason'], rows))
  cli.print(`status: ${paintState(cli, status)}`)
}

const health: Command<[], Options> = async (cli, { live = false, url, timeout }) => {
  if (live) {
    const timeoutMs = parseDuration(timeout)
    if (!timeoutMs) {
      throw cliError('CLI_USAGE', { what: `--timeout takes a duration such as 3s, got ${JSON.stringify(timeout)}` })
    }
    const { checkLive } = await import('../live.ts')
    const answer = await checkLive(cli, url, timeoutMs)
    if (cli.json) printJson(cli, answer)
    else cli.print(answer.live ? `alive: ${answer.url}` : `not alive: ${answer.url} answered ${answer.httpStatus}`)
    return answer.live ? exitCodes.ok : exitCodes.negative
  }
  const report = await instance(cli).call<ComprehensiveJson>('health')
  if (cli.json) printJson(cli, report)
  else show(cli, report)
  return report.overall_healthy ? exitCodes.ok : exitCodes.negative
}

export default health
