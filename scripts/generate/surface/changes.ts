/** What went or changed between two versions of docs/surface.txt, and whether a changelog fragment says so. */

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

/** @returns the lines of `before` that `after` does not have */
export function brokenLines(before: string, after: string): string[] {
  const kept = new Set(linesOf(after))
  return linesOf(before).filter((line) => !kept.has(line))
}

/** The quoted words of a fragment that name lines: a kind with a name, so that no fragment stands for a whole section. */
const namesOf = (fragment: string) =>
  [...fragment.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string).filter((name) => /^[a-z]+ \S/.test(name))

/** Whether a line is `name`, or begins with it as far as the end of a word. */
const isNamed = (line: string, name: string) => line.startsWith(name) && !/^\w/.test(line.slice(name.length))

/**
 * @param fragments texts of the fragments of the type `breaking`
 * @returns the lines that no fragment quotes, whole or by their beginning
 */
export function unannounced(lines: readonly string[], fragments: readonly string[]): string[] {
  const names = fragments.flatMap(namesOf)
  return lines.filter((line) => !names.some((name) => isNamed(line, name)))
}
