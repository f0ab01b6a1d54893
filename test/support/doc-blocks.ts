/** The fenced code blocks of the project's pages. */

import { join } from 'node:path'

export interface DocBlock {
  /** Path from the root. */
  readonly file: string
  /** Of the first line of its text, from 1. */
  readonly line: number
  readonly language: string
  readonly text: string
}

/** Where pages for readers are. */
const pages = [
  '*.md',
  'docs/**/*.md',
  'plugins/*/README.md',
  'examples/**/*.md',
  'deploy/**/*.md',
  'scripts/bench/**/*.md',
]

/** @param page Markdown @returns its fenced blocks, also indented ones, without their indentation */
export function blocksOf(page: string, file: string): DocBlock[] {
  const blocks: DocBlock[] = []
  const lines = page.split('\n')
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent, fence, language] = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/.exec(lines[index] as string) ?? []
    if (fence === undefined) continue
    const start = index + 1
    index = start
    while (index < lines.length && !(lines[index] as string).trimStart().startsWith(fence)) index += 1
    const text = lines.slice(start, index).map((line) => line.replace(new RegExp(`^${indent}`), ''))
    blocks.push({ file, line: start + 1, language: language ?? '', text: `${text.join('\n')}\n` })
  }
  return blocks
}

/** Every block of the given languages in every page below `root`. */
export async function docBlocks(root: string, languages: readonly string[]): Promise<DocBlock[]> {
  const files = pages.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })])
  const wanted = [...new Set(files)].filter((file) => !file.includes('node_modules')).sort()
  const found = await Promise.all(wanted.map(async (file) => blocksOf(await Bun.file(join(root, file)).text(), file)))
  return found.flat().filter(({ language }) => languages.includes(language))
}
