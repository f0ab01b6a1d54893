import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = join(import.meta.dir, '../docs/decisions')
const headings = ['Context', 'Decision', 'Rejected', 'How to tell it is wrong']

/** @returns what is wrong with one decision */
function faultsOf(file: string, page: string, index: string): string[] {
  const number = file.slice(0, 4)
  const title = new RegExp(`^# ${number}: (.+)\n`).exec(page)?.[1]
  const found = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading!)
  const missing = headings.filter((heading, at) => found.filter((each) => headings.includes(each))[at] !== heading)
  const row = `| [${number}](${file}) | ${title} | `
  return [
    ...(title === undefined ? [`${file}: no title "# ${number}: …"`] : []),
    ...missing.map((heading) => `${file}: no "## ${heading}" in its place`),
    ...(index.includes(row) ? [] : [`${file}: not in the index`]),
  ]
}

test('every decision has its four sections and is in the index', () => {
  const files = readdirSync(directory).filter((file) => file !== 'README.md')
  const index = readFileSync(join(directory, 'README.md'), 'utf8')
  expect(files.length).toBeGreaterThan(0)
  const faults = files.flatMap((file) => faultsOf(file, readFileSync(join(directory, file), 'utf8'), index))
  expect(faults).toEqual([])
  expect(index.match(/^\| \[\d{4}\]/gm)?.length).toBe(files.length)
})

test('a decision without a section, in another order, or not in the index is found', () => {
  const page = '# 0001: A title\n\n## Context\n\n## Rejected\n\n## Decision\n\n## How to tell it is wrong\n'
  const index = '| [0001](0001-a.md) | A title | One sentence. | accepted |'
  expect(faultsOf('0001-a.md', page, index)).toHaveLength(2)
  const right = page.replace('## Rejected', '## X').replace('## Decision', '## Decision\n\n## Rejected')
  expect(faultsOf('0001-a.md', right, index)).toEqual([])
  expect(faultsOf('0001-a.md', right, '')).toEqual(['0001-a.md: not in the index'])
  expect(faultsOf('0001-a.md', right.replace('# 0001:', '# 1.'), index)).toHaveLength(2)
})
