import { expect, test } from 'bun:test'
import { join } from 'node:path'

const root = join(import.meta.dir, '..')

/** Phrases that docs/glossary.md gives up, and what is written in their place. Ambiguous words of the glossary are left out. */
const phrases: readonly [RegExp, string][] = [
  [/\bdoom/i, 'invalidate'],
  [/\bspot\(|\bspots?\b/i, 'locate, place'],
  [/\blaid over\b|\blays? over\b/i, 'merged over'],
  [/\b(is|are|was|were|been|be) told\b|\btold (of|by|to|about)\b/i, 'is notified of, receives'],
  [/\b(brings|brought)\b/i, 'contributes, provides'],
  [/\bwitness/i, 'audit'],
  [/\btroubles?\b/i, 'rollback signal'],
  [/\bhouse\b/i, 'ConfigContext, parts'],
  [/\bwaiting line\b/i, 'waiting queue'],
  [/\b(who|whoever) asks\b/i, 'the caller'],
  [/(?<!\bthere )\bis no (?!longer\b|more\b)[a-z]/i, 'is not a'],
  [/\bat once\b/i, 'immediately, at the same time'],
  [/\bat hand\b/i, 'available'],
  [/\bunder way\b/i, 'in progress'],
  [/\b(stands?|stood|standing) still\b/i, 'stops, is stuck'],
  [/\b(takes?|took|taken|taking)( (itself|themselves|it|one))? back\b/i, 'rolls back, reverts'],
  [/\b(puts?|putting) on record\b/i, 'records'],
  [/\blooks? no more\b/i, 'stops watching'],
  [/\bmend(s|ed)?\b/i, 'fix'],
  [/\ba \w+ too many\b/i, 'a stray'],
  [/\bof before\b(?! a\b)/i, 'previous'],
  [/\bso that nobody can\b/i, 'to prevent'],
  [/\b(goes|going|went) on\b/i, 'continues'],
  [/\bdata folder\b/i, 'data directory'],
  [/\binstance elsewhere\b/i, 'remote process'],
  [/\bshapes? of (a )?statements?\b|\bcostly shapes?\b/i, 'fingerprint'],
  [/\bannounced pause\b/i, 'announced stall'],
]

/** Files that may use a phrase, with the reason. */
const exceptions: readonly [file: RegExp, phrase: RegExp, reason: string][] = [
  [/^core\/(contract\/runtime-api|plugin)\.ts$/, /trouble/, 'the extension point and its exports keep their names'],
  [/^docs\/glossary\.md$/, /./, 'the glossary names what it replaces'],
  [/^docs\/(errors|configuration)\.md$/, /./, 'generated from texts that are read here themselves'],
]

const tokens = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/gm

/** @returns the prose of a file with its lines: comments and texts of code; pages without their blocks of code */
function proseOf(file: string, code: string): { line: number; words: string }[] {
  const isPage = file.endsWith('.md')
  const text = isPage ? code.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, '')) : code
  return [...text.matchAll(isPage ? /(?:[^\n]+\n?)+/g : tokens)]
    .filter(([token]) => token.includes(' '))
    .map(({ 0: token, index }) => ({
      line: text.slice(0, index).split('\n').length,
      words: token.replace(/\s*\n\s*(\*|\/\/)?\s*/g, ' '),
    }))
}

/** @returns `file:line: phrase: write …` for each phrase that no exception covers */
function givenUp(file: string, text: string): string[] {
  const free = exceptions.filter(([pattern]) => pattern.test(file)).map(([, phrase]) => phrase)
  return proseOf(file, text).flatMap(({ line, words }) =>
    phrases.flatMap(([phrase, write]) => {
      const [seen] = phrase.exec(words) ?? []
      if (seen === undefined || free.some((each) => each.test(seen))) return []
      return [`${file}:${line}: "${seen}": write ${write}`]
    }),
  )
}

test('comments, texts and pages use the words of the glossary', async () => {
  const files = ['{core,plugins,cli,testing}/**/*.ts', 'plugins/*/README.md', 'docs/*.md', '*.md'].flatMap(
    (pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })],
  )
  expect(files.length).toBeGreaterThan(400)
  const wanted = files.filter((file) => file !== 'CHANGELOG.md').sort()
  const found = await Promise.all(wanted.map(async (file) => givenUp(file, await Bun.file(join(root, file)).text())))
  expect(found.flat()).toEqual([])
})

test.each([
  ['a comment', 'core/x.ts', "/** The caller.\n * Ends at\n * once. */\nconst atOnce = 'at-once'\n"],
  ['a comment of a line', 'core/x.ts', '// Ends at once.\n'],
  ['a text', 'core/x.ts', "export const help = 'ends at once'\n"],
  ['a template', 'core/x.ts', 'export const help = `ends at once`\n'],
  ['a page', 'docs/x.md', 'This\nends at\nonce.\n\n```sh\nat once\n```\n'],
])('a phrase is found in %s and not in code, unless an exception covers the file', (_, file, text) => {
  expect(givenUp(file, text)).toHaveLength(1)
  expect(givenUp('docs/errors.md', text)).toEqual([])
})
