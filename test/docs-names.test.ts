import { expect, test } from 'bun:test'
import { join } from 'node:path'

const root = join(import.meta.dir, '..')
const surface = (await Bun.file(join(root, 'docs/surface.txt')).text()).split('\n')
const commands = new Set(surface.flatMap((line) => /^command (arkwatch[a-z ]*)/.exec(line)?.[1]?.trim() ?? []))
commands.add('arkwatch help')
const keys = surface.flatMap((line) => /^config ([^:]+):/.exec(line)?.[1] ?? [])
const sections = new Set(keys.map((key) => key.split('.')[0]!))

const pages = ['{docs,plugins,examples}/**/*.md', '*.md']
const sources = ['{core,plugins,cli,testing}/**/*.ts']
/** Everything in backquotes, with the file that holds it. */
async function quoted(patterns: readonly string[]): Promise<[file: string, text: string][]> {
  const files = patterns.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })])
  const own = files.filter((file) => !file.includes('node_modules') && !file.startsWith('CHANGELOG'))
  const found = own.map(async (file) =>
    [...(await Bun.file(join(root, file)).text()).matchAll(/`([^`\n]{3,200})`/g)].map(([, text]): [string, string] => [
      file,
      text!,
    ]),
  )
  return (await Promise.all(found)).flat()
}

/** Whether a command line begins with a command; a word after a group that has commands below it is one of these. */
function isCommand(line: string): boolean {
  const words = line.split(' ')
  const plain = words.findIndex((word, index) => index > 0 && !/^[a-z][a-z.-]*$/.test(word))
  const names = plain < 0 ? words : words.slice(0, plain)
  if (names.length === 1) return true
  const [program, group, below] = names
  if (!commands.has(`${program} ${group}`)) return false
  const isGroup = [...commands].some((command) => command.startsWith(`${program} ${group} `))
  return !isGroup || below === undefined || commands.has(`${program} ${group} ${below}`)
}

/** Whether a dotted path is a key of config.yaml or leads to one; names that users choose are any text. */
const isKey = (path: string): boolean => {
  const parts = path.split('.')
  return keys.some((key) => {
    const known = key.replaceAll('[]', '').split('.')
    return parts.every((part, index) => known[index] === part || /^[<*]/.test(known[index] ?? ''))
  })
}

test('every command that a page, a message or a comment quotes is there', async () => {
  const named = (await quoted([...pages, ...sources])).filter(
    ([, text]) => /^arkwatch [a-z]/.test(text) && !text.includes('$'),
  )
  expect(named.length).toBeGreaterThan(50)
  expect(named.filter(([, text]) => !isCommand(text))).toEqual([])
})

/** Members of objects in code, not keys. */
const members = ['server.upgrade', 'workers.dedicated']

test('every key of config.yaml that a page or a message quotes is there', async () => {
  const named = (await quoted([...pages, ...sources])).filter(
    ([, text]) =>
      /^[a-zA-Z]+(\.[a-zA-Z]+)+$/.test(text) && sections.has(text.split('.')[0]!) && !members.includes(text),
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(([, text]) => !isKey(text))).toEqual([])
})

test('the checks find a command and a key that are not there', () => {
  expect(['arkwatch pool.holders', 'arkwatch keys make', 'arkwatch pools'].map(isCommand)).toEqual([
    false,
    false,
    false,
  ])
  expect(['arkwatch pool holders', 'arkwatch plugins --json', 'arkwatch logs level root debug'].map(isCommand)).toEqual(
    [true, true, true],
  )
  expect(['plugins.admin.tls', 'plugins.admin.listen.tls', 'plugins.health'].map(isKey)).toEqual([false, true, true])
})
