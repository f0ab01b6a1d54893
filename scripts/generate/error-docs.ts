/** docs/errors.md: every code with its message and what to do, by the module that owns it. */

import { join } from 'node:path'
import { type ErrorTable, errorTables } from '../../core/contract/errors.ts'

export interface ErrorSection {
  /** `core`, or the plugin's name. */
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

const ownerOf = (file: string) => (file.startsWith('plugins/') ? (file.split('/')[1] as string) : 'core')

/** Loads every table and sorts its codes by owner. */
export async function errorSections(root: string): Promise<ErrorSection[]> {
  const byOwner = new Map<string, ErrorTable>()
  const known = new Set<string>()
  for (const file of await errorModules(root)) {
    await import(join(root, file))
    const added = Object.entries(errorTables()).filter(([code]) => !known.has(code))
    for (const [code] of added) known.add(code)
    const owner = ownerOf(file)
    byOwner.set(owner, { ...byOwner.get(owner), ...Object.fromEntries(added) })
  }
  return [...byOwner].map(([owner, table]) => ({ owner, table }))
}

const escaped = (text: string) => text.replaceAll('<', '\\<')

/** @returns the page; a heading for each code, so that each has an address */
export function errorDocs(sections: readonly ErrorSection[]): string {
  const blocks = sections.map(({ owner, table }) => {
    const codes = Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1))
    const entries = codes.map(([code, { message, help, status }]) => {
      const answers = status === undefined ? '' : ` HTTP status ${status}.`
      return `### ${code}\n\n> ${escaped(message)}\n\n${help}${answers}`
    })
    return [`## ${owner}`, ...entries].join('\n\n')
  })
  const head = `# Error codes

Every error has a stable code, a message with the values seen, and a line that says what to do. Words in braces stand for
those values. This page is generated from the tables in the source.`
  return `${[head, ...blocks].join('\n\n')}\n`
}
