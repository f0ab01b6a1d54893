/** Aligned columns for people. Pure. */
import { stripVTControlCharacters } from 'node:util'

const widthOf = (cell: string) => Bun.stringWidth(stripVTControlCharacters(cell))

/**
 * @param head titles of the columns, printed in capitals
 * @param rows cells; may hold colours
 * @returns lines without trailing blanks; only the head where there are no rows
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head.map((title) => title.toUpperCase()), ...rows]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell + ' '.repeat(widths[column]! - widthOf(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
