/** Counts the results in a JUnit report of `bun test`, and what is missing from it. */

export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** One line for each skipped test and for each failure that has no test case. */
  readonly problems: readonly string[]
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const unescapeXml = (text: string) =>
  text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code, name) =>
    code === undefined ? (entities[name] ?? whole) : String.fromCodePoint(Number(code)),
  )
const attribute = (tag: string, name: string) => unescapeXml(tag.match(new RegExp(` ${name}="([^"]*)"`))?.[1] ?? '')

/**
 * A file without a single case in the report failed: it could not be loaded, or ended the process.
 *
 * @param xml the report, empty when none was written
 * @param files the test files that were run
 * @param exitCode of the runner; one that is not explained by a failed case counts as a failure
 */
export function readReport(xml: string, files: readonly string[], exitCode: number): Tally {
  let passed = 0
  let failed = 0
  const skipped: string[] = []
  const problems: string[] = []
  const seen = new Set<string>()
  for (const [, tag = '', body = ''] of xml.matchAll(/<testcase( [^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const file = attribute(tag, 'file').replace(/^\.\//, '')
    seen.add(file)
    if (/<skipped\b/.test(body)) skipped.push(`skipped: ${file}: ${attribute(tag, 'name')}`)
    else if (/<(failure|error)\b/.test(body)) failed += 1
    else passed += 1
  }
  for (const file of files) {
    if (seen.has(file)) continue
    failed += 1
    problems.push(`failed: ${file}: reported no test (see its output above)`)
  }
  if (exitCode !== 0 && failed === 0) {
    failed += 1
    problems.push(`failed: the test runner ended with ${exitCode} (see the output above)`)
  }
  return { passed, failed, skipped: skipped.length, problems: [...skipped, ...problems] }
}
