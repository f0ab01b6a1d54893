import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = join(import.meta.dir, '../..')
const transpiler = new Bun.Transpiler({ loader: 'ts' })

/** Every module that loads with `entries`, dynamic imports left out: our files as paths, packages by name. */
function loadedWith(...entries: string[]): Set<string> {
  const found = new Set<string>()
  const queue = entries.map((entry) => join(root, entry))
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(relative(root, file)) || !file.endsWith('.ts')) continue
    found.add(relative(root, file))
    for (const { path, kind } of transpiler.scanImports(readFileSync(file, 'utf8').replace(/^#!.*/, ''))) {
      if (kind !== 'import-statement') continue
      if (path.startsWith('.')) queue.push(resolve(dirname(file), path))
      else found.add(path)
    }
  }
  return found
}

test('the version needs neither the runtime nor a schema', () => {
  const loaded = loadedWith('cli/arkwatch.ts', 'cli/commands/version.ts')
  expect(loaded).toContain('commander')
  expect(
    [...loaded].filter((name) => /^(zod|yaml|hono|piscina|core\/runtime|core\/config|plugins)/.test(name)),
  ).toEqual([])
})

test('liveness needs no plugin', () => {
  const loaded = loadedWith('cli/arkwatch.ts', 'cli/commands/health.ts', 'cli/live.ts')
  expect([...loaded].filter((name) => /^plugins\/\w+\//.test(name) || name === 'core/runtime.ts')).toEqual([])
})

test('the doors of plugins load no thread pool, and the door of threads no schema', () => {
  expect([...loadedWith('core/plugin.ts')].filter((name) => /^(piscina|node:worker_threads)/.test(name))).toEqual([])
  expect(
    [...loadedWith('core/worker.ts')].filter((name) => /^(piscina|node:worker_threads|zod|hono)/.test(name)),
  ).toEqual([])
})

test('every command of the program is a function of a module', async () => {
  const program = readFileSync(join(root, 'cli/program.ts'), 'utf8')
  const commands = [...program.matchAll(/, '([\w/]+)\.(\w+)'\)/g)]
  expect(commands.length).toBeGreaterThan(14)
  for (const [, file, name] of commands) {
    const module = await import(join(root, `cli/commands/${file}.ts`))
    expect(`${file} ${name}: ${typeof module[name!]}`).toBe(`${file} ${name}: function`)
  }
})
