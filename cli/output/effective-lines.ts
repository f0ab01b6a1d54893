/** The effective configuration as a table: path, value, source. Pure. */

import { describeSource } from '../../core/config/describe-source.ts'
import type { Path } from '../../core/config/tree/node.ts'
import type { Source } from '../../core/config/types.ts'
import { jsonPointer } from '../../core/contract/config-problem.ts'
import type { Cli } from '../cli.ts'
import { paint } from './style.ts'
import { table } from './table.ts'

function leavesOf(value: unknown, path: Path = []): { readonly path: Path; readonly value: unknown }[] {
  const entries = Array.isArray(value)
    ? value.map((item, index) => [index, item] as const)
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : []
  return entries.length === 0 ? [{ path, value }] : entries.flatMap(([key, item]) => leavesOf(item, [...path, key]))
}

const shown = (value: unknown) => (typeof value === 'string' && value !== '' ? value : JSON.stringify(value))

/** @param sources by JSON pointer */
export function effectiveLines(
  cli: Pick<Cli, 'colour' | 'cwd'>,
  config: unknown,
  sources: Readonly<Record<string, Source | string>>,
): string {
  const rows = leavesOf(config).map(({ path, value }) => {
    const source = sources[jsonPointer(path)]
    const text = shown(value)
    return [
      path.join('.'),
      ['default', undefined].includes(typeof source === 'string' ? source : source?.kind)
        ? text
        : paint(cli, 'bold', text),
      paint(cli, 'dim', describeSource(source, cli.cwd)),
    ]
  })
  return table(['key', 'value', 'source'], rows)
}
