/** Where a value of the configuration came from, for people. */
import { relative } from 'node:path'
import type { Source } from './types.ts'

/** @returns where a value came from, for people; a text is returned unchanged */
export function describeSource(source: Source | string | undefined, cwd: string): string {
  if (source === undefined) return 'default'
  if (typeof source === 'string') return source
  switch (source.kind) {
    case 'default':
      return 'default'
    case 'preset':
      return `preset ${source.environment}`
    case 'environment':
      return `environment ${source.variable}`
    case 'code':
      return 'code'
    default: {
      const near = relative(cwd, source.file)
      return `${near.startsWith('..') ? source.file : near}:${source.line}:${source.column}`
    }
  }
}
