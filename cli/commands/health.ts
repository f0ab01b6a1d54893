/** `arkwatch health` */

import { exitCodes } from '../../core/exit-codes.ts'
import type { ComprehensiveJson } from '../../plugins/health/answers/report.ts'
import { answer, type Cli, type Command } from '../cli.ts'
import { instance } from '../instance.ts'
import { durationOption } from '../option-values.ts'
import { paintState } from '../output/style.ts'
import { table } from '../output/table.ts'

interface Options {
  readonly live?: boolean
  readonly url?: string
  readonly timeout: string
}

const age = (ms: number | null) => (ms === null ? 'never' : `${Math.round(ms / 1_000)} s ago`)

function reportLines(cli: Cli, { status, checks, off = {}, monitoring_paused: paused }: ComprehensiveJson): string {
  const rows = Object.entries(checks).map(([name, check]) => [
    check.critical ? `${name}*` : name,
    paintState(cli, check.status),
    check.latency_ms === null ? '' : `${check.latency_ms} ms`,
    age(check.age_ms),
    check.error ?? (check.stale ? 'stale: the check has not run in time, or monitoring is paused' : ''),
  ])
  rows.push(...Object.entries(off).map(([name, reason]) => [name, paintState(cli, 'off'), '', '', reason]))
  const lines = rows.length > 0 ? `${table(['check', 'status', 'latency', 'seen', 'reason'], rows)}\n` : ''
  const note = paused ? ' (monitoring is paused: the results are those from before; see `arkwatch resume`)' : ''
  return `${lines}status: ${paintState(cli, status)}${note}`
}

export const health: Command<[], Options> = async (cli, { live = false, url, timeout }) => {
  if (live) {
    const timeoutMs = durationOption('timeout', timeout, '3s')
    const { checkLive } = await import('../live.ts')
    const found = await checkLive(cli, url, timeoutMs)
    answer(cli, found, () =>
      found.live ? `alive: ${found.url}` : `not alive: ${found.url} answered ${found.httpStatus}`,
    )
    return found.live ? exitCodes.ok : exitCodes.negative
  }
  const report = await instance(cli).call<ComprehensiveJson>('health')
  answer(cli, report, (shown) => reportLines(cli, shown))
  return report.overall_healthy ? exitCodes.ok : exitCodes.negative
}
