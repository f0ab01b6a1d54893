/** docs/errors.md: every code with its message and what to do, by owner. */

import { join } from 'node:path'
import { type ErrorDetails, type ErrorTable, errorTables } from '../../core/contract/errors.ts'
import { errorExamples } from './error-examples.ts'

export interface ErrorSection {
  /** `core`, `cli`, or the plugin's name. */
  readonly owner: string
  readonly table: ErrorTable
}

const sources = '{core,plugins,cli,testing}/**/*.ts'

/** Modules that define codes, core's own first. Importing one does nothing else. */
export async function errorModules(root: string): Promise<string[]> {
  const found: string[] = []
  for (const file of new Bun.Glob(sources).scanSync({ cwd: root })) {
    if (file === 'core/contract/errors.ts') continue
    if (/\bdefineErrors\(/.test(await Bun.file(join(root, file)).text())) found.push(file)
  }
  return ['core/contract/errors.ts', ...found.sort()]
}

/** Every table by owner: core, the command line, then the plugins. */
export async function errorSections(root: string): Promise<ErrorSection[]> {
  for (const file of await errorModules(root)) await import(join(root, file))
  const rank = (owner: string) => (owner === 'core' ? '0' : owner === 'cli' ? '1' : `2${owner}`)
  return [...errorTables()]
    .map(([owner, table]) => ({ owner, table }))
    .sort((a, b) => (rank(a.owner) < rank(b.owner) ? -1 : 1))
}

const escaped = (text: string) => text.replaceAll('<', '\\<')

const filled = (text: string, details: ErrorDetails = {}) =>
  text.replace(/\{(\w+)\}/g, (whole, key: string) => String(details[key] ?? whole))

const exampleOf = (code: string, message: string) =>
  code in errorExamples ? `For example: ${escaped(filled(message, errorExamples[code]))}.\n\n` : ''

/** @returns the page; a heading for each code, so that each has an address */
export function errorDocs(sections: readonly ErrorSection[]): string {
  const blocks = sections.map(({ owner, table }) => {
    const codes = Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1))
    const entries = codes.map(([code, { message, help, status }]) => {
      const answers = status === undefined ? '' : ` HTTP status ${status}.`
      return `### ${code}\n\n> ${escaped(message)}\n\n${exampleOf(code, message)}${filled(help, errorExamples[code])}${answers}`
    })
    return [`## ${owner}`, ...entries].join('\n\n')
  })
  const head = `# Error codes

Every error has a stable code, a message with the values seen, and a line that says what to do. Words in braces stand for
those values. This page is generated from the tables in the source.`
  return `${[head, ...blocks].join('\n\n')}\n`
}
