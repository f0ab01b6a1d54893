/** Turns the passes of all variants into the table. Pure. */
import { type CpuKey, duelRatio, type Ratio, type Segment } from './duel.ts'

/** One run of one variant against bare. */
export interface Pass {
  readonly segments: readonly Segment[]
  readonly rssBytes: number
}

/** @returns undefined where nothing was measured */
export const overPasses = (passes: readonly Pass[], key: CpuKey): Ratio | undefined =>
  passes.length === 0
    ? undefined
    : duelRatio(
        passes.map(({ segments }) => segments),
        key,
      )

export const shown = (ratio: Ratio | undefined): string =>
  ratio === undefined ? '–' : `${ratio.ratio.toFixed(3)} ± ${ratio.error.toFixed(3)}`

export interface Row {
  readonly name: string
  /** Hello, on the thread that serves. */
  readonly thread: Ratio | undefined
  /** Hello, the whole process, in long segments where another thread works. */
  readonly process: Ratio | undefined
  /** The realistic route, the whole process. */
  readonly realistic: Ratio | undefined
  /** Memory over that of the process that holds bare twice. */
  readonly rssBytes: number
}

export function table(rows: readonly Row[]): string {
  const lines = [
    ['variant', 'hello: request thread', 'hello: process', 'realistic: process', 'RSS'],
    ...rows.map(({ name, thread, process, realistic, rssBytes }) => [
      name,
      shown(thread),
      shown(process),
      shown(realistic),
      `${rssBytes < 0 ? '−' : '+'}${(Math.abs(rssBytes) / 2 ** 20).toFixed(0)} MiB`,
    ]),
  ]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const text = lines.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`)
  text.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  return text.join('\n')
}

interface Goal {
  readonly name: string
  readonly column: 'thread' | 'process' | 'realistic'
  readonly atMost: number
}

const goals: readonly Goal[] = [
  { name: 'metrics', column: 'process', atMost: 1.015 },
  { name: 'metrics + access log', column: 'thread', atMost: 1.02 },
  { name: 'metrics + access log', column: 'process', atMost: 1.05 },
  { name: 'everything', column: 'realistic', atMost: 1.03 },
]

/** @returns a line for each goal that was measured, and whether all of them are met */
export function judge(rows: readonly Row[]): { lines: string[]; met: boolean } {
  const judged = goals.flatMap(({ name, column, atMost }) => {
    const measured = rows.find((row) => row.name === name)?.[column]
    if (measured === undefined) return []
    const met = measured.ratio <= atMost
    return [{ met, line: `${met ? 'met   ' : 'MISSED'} ${name}, ${column}: ${shown(measured)}, goal ${atMost}` }]
  })
  return { lines: judged.map(({ line }) => line), met: judged.every(({ met }) => met) }
}
