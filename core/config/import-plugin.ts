/** Imports the module of a plugin of one's own. A module that failed is read again by the next import. */
import { realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Clock } from '../contract/clock.ts'
import { coreError } from '../contract/errors.ts'
import { withDeadline } from '../process/deadline.ts'

/** A module whose top-level `await` never ends must not hold a boot, a reload or a check for ever. */
const importMs = 10_000
/** Files of one plugin that are read again. */
const maxFiles = 200
/** A file that is parsed for its imports within 5 ms; a bundle imports no local files. */
const maxParsedBytes = 32_768

/** The modules of the process that were loaded well, by path; deleting a path also forgets a module that failed. */
const { cache } = createRequire(import.meta.url)
const scanner = new Bun.Transpiler({ loader: 'ts' })

const pathOf = (specifier: string, folder: string) => realpath(Bun.resolveSync(specifier, folder))
const isLocal = (specifier: string) => /^\.{0,2}\//.test(specifier)

/** Adds a module and the local files that it imports, except those that were loaded well: others may use them. */
async function addFailed(files: Set<string>, specifier: string, folder: string): Promise<void> {
  const path = await pathOf(specifier, folder)
  if (files.has(path) || files.size >= maxFiles || path in cache) return
  files.add(path)
  if (Bun.file(path).size > maxParsedBytes) return
  for (const { path: imported } of scanner.scanImports(await Bun.file(path).text()))
    if (isLocal(imported)) await addFailed(files, imported, dirname(path)).catch(() => {})
}

/** Forgets a module that failed, and its files. */
async function forgetFailed(file: string, thrown: unknown): Promise<void> {
  const files = new Set<string>()
  await addFailed(files, file, '/')
  // Where a file does not export a name that is imported, all are read and none has run: Bun forgets only what has run.
  if (thrown instanceof SyntaxError) for (const each of [...files].reverse()) await import(each).catch(() => {})
  for (const each of files) delete cache[each]
}

/** Forgets a module that was loaded and is not a plugin. */
export async function forgetRefused(file: string): Promise<void> {
  delete cache[await pathOf(file, '/')]
}

/** @returns its default export @throws PLUGIN_TIMEOUT, and what the module throws */
export async function importPlugin(file: string, plugin: string, clock: Clock): Promise<unknown> {
  const phase = `the import of ${file}`
  const late = () => coreError('PLUGIN_TIMEOUT', { plugin, phase, timeoutMs: importMs, waits: ' (top-level await)' })
  const loading = import(pathToFileURL(file).href).catch(async (thrown) => {
    // A file that cannot be read or parsed is read again by the next import anyway.
    await forgetFailed(file, thrown).catch(() => {})
    throw thrown
  })
  return ((await withDeadline(loading, importMs, clock, late)) as { default?: unknown }).default
}
