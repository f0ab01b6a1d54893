/** Which files matter to a runtime under development: its configuration, and the code of plugins named by path. */
import { readdirSync, statSync } from 'node:fs'
import { dirname, extname, isAbsolute, join, resolve } from 'node:path'
import { locate } from '../../core/config/tree/node.ts'
import { readTree } from '../../core/config/tree/read.ts'
import type { Cli } from '../cli.ts'
import { dataDirOf } from '../instance.ts'

/** Of the folders of plugins. */
const maxWatchedFiles = 2_000
const extensions = new Set(['.ts', '.tsx', '.mts', '.js', '.mjs', '.cjs', '.json', '.yaml', '.yml', '.sql'])

/** Source files below a folder, without packages, hidden folders and `skip`. Stops at `limit`. */
function sourcesBelow(folder: string, skip: string, limit: number): string[] {
  const found: string[] = []
  const queue = [folder]
  for (let next = queue.shift(); next !== undefined && found.length < limit; next = queue.shift()) {
    if (next === skip) continue
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      const path = join(next, entry.name)
      if (entry.isDirectory()) queue.push(path)
      else if (extensions.has(extname(entry.name)) && found.length < limit) found.push(path)
    }
  }
  return found
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** @returns absolute paths; at least the configuration itself, also when it cannot be read */
export function watchedFiles({ configFile, env }: Pick<Cli, 'configFile' | 'env'>): readonly string[] {
  const files = new Set([configFile])
  const root = readTree(configFile, { env, problems: [], files })
  const { node: plugins } = locate(root, ['plugins'])
  const sections = plugins?.kind === 'map' ? [...plugins.entries.keys()] : []
  const dataDir = dataDirOf({ configFile, env })
  for (const name of sections) {
    const { node } = locate(root, ['plugins', name, 'from'])
    if (node?.kind !== 'scalar' || typeof node.value !== 'string') continue
    if (!/^\.{1,2}(\/|$)/.test(node.value) && !isAbsolute(node.value)) continue
    const from = node.source.kind === 'file' ? dirname(node.source.file) : dirname(configFile)
    const path = resolve(from, node.value)
    const folder = isFolder(path) ? path : dirname(path)
    if (!isFolder(folder)) continue
    for (const file of sourcesBelow(folder, dataDir, maxWatchedFiles - files.size)) files.add(file)
  }
  return [...files]
}
