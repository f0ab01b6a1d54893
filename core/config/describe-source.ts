/** The texts that name the source of a value. */
import { relative } from 'node:path'
import type { Source } from './types.ts'

/** @returns the text for operators: `config.yaml:3:5`, `preset production`; a text is returned unchanged */
export function describeSource(source: Source | string | undefined, cwd: string): string {
  if (typeof source !== 'object') return source ?? 'default'
  if (source.kind === 'preset') return `preset ${source.environment}`
  if (source.kind === 'environment') return `environment ${source.variable}`
  if (!('file' in source)) return source.kind
  const near = relative(cwd, source.file)
  return `${near.startsWith('..') ? source.file : near}:${source.line}:${source.column}`
}
