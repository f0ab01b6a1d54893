import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { importMap } from '../scripts/generate/import-picture.ts'

const root = join(import.meta.dir, '..')
const ours = /`((?:core|plugins|cli|test|testing|scripts|docs|examples|deploy)\/[\w./-]+)`/g

test('every path of ours that a page names is there', async () => {
  const pages = ['{docs,plugins,examples}/**/*.md', '*.md'].flatMap((pattern) => [
    ...new Bun.Glob(pattern).scanSync({ cwd: root }),
  ])
  const named = await Promise.all(
    pages
      .filter((page) => !page.includes('node_modules'))
      .map(async (page) =>
        [...(await Bun.file(join(root, page)).text()).matchAll(ours)].map(([, path]) => `${page}: ${path}`),
      ),
  )
  expect(named.flat().length).toBeGreaterThan(20)
  expect(named.flat().filter((line) => !existsSync(join(root, line.split(': ')[1]!)))).toEqual([])
})

test('the directories of core stand on one another without a circle', () => {
  const map = importMap(root)
  const reaches = (from: string, wanted: string, seen = new Set<string>()): boolean =>
    (map.get(from) ?? []).some((next) => {
      if (next === wanted) return true
      if (seen.has(next)) return false
      seen.add(next)
      return reaches(next, wanted, seen)
    })
  expect(map.size).toBeGreaterThan(15)
  expect([...map.keys()].filter((box) => reaches(box, box))).toEqual([])
})
