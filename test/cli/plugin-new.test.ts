import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pluginNames } from '../../cli/plugin-new/names.ts'
import own from '../../package.json' with { type: 'json' }
import { type CommandFolder, commandFolder, commandTimeoutMs } from './arkwatch-command.ts'

setDefaultTimeout(commandTimeoutMs)

const checkout = join(import.meta.dir, '../..')
const folders: CommandFolder[] = []
const newFolder = () => {
  const made = commandFolder()
  folders.push(made)
  return made
}
afterAll(() => Promise.all(folders.map((folder) => folder[Symbol.asyncDispose]())))

/** Runs a program in a folder. */
async function run(cwd: string, ...command: string[]) {
  const child = Bun.spawn(command, { cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { exitCode: await child.exited, output: stdout + stderr }
}

describe('plugin new', () => {
  test('writes a package whose tests pass, whose types check, and which runs', async () => {
    const made = newFolder()
    const { exitCode, stdout } = await made.start('plugin', 'new', 'queue_depth').ended
    expect(exitCode).toBe(0)
    expect(stdout).toContain(
      `cd ./arkwatch-plugin-queue-depth && bun add --dev "arkwatch@file:${resolve(checkout)}" && bun test`,
    )
    const folder = join(made.folder, 'arkwatch-plugin-queue-depth')

    // What `bun install` would bring, from this checkout.
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(checkout, join(folder, 'node_modules/arkwatch'))
    symlinkSync(join(checkout, 'node_modules/@types'), join(folder, 'node_modules/@types'))

    const tests = await run(folder, process.execPath, 'test')
    expect(tests.output).toContain('it ticks once a period')
    expect(tests.output).toMatch(/\b0 fail/)
    expect(tests.exitCode).toBe(0)
    const types = await run(folder, process.execPath, join(checkout, 'node_modules/typescript/bin/tsc'), '--noEmit')
    expect(types).toEqual({ exitCode: 0, output: '' })
    const biome = ['check', '--config-path', join(checkout, 'biome.json'), '--vcs-enabled=false', '.']
    const style = await run(folder, join(checkout, 'node_modules/.bin/biome'), ...biome)
    expect(style).toMatchObject({ exitCode: 0 })

    await made.write('config.yaml', 'plugins: { queue_depth: { from: ./arkwatch-plugin-queue-depth, every: 1s } }')
    expect((await made.run('check')).stdout).toContain('is good: queue_depth')
    const { seen, child, ended } = made.start('start')
    await seen(/arkwatch runs without a listener/)
    expect((await made.run('plugins')).stdout).toMatch(/^queue_depth +0\.1\.0 +ok/m)
    child.kill('SIGTERM')
    expect((await ended).exitCode).toBe(0)
  })

  test('the package can be published: what it exports and packs is there', async () => {
    const made = newFolder()
    const { stdout } = await made.run('plugin', 'new', 'mine', '--dir', 'here', '--json')
    const { files, folder } = JSON.parse(stdout)
    expect(folder).toBe(join(made.folder, 'here'))
    expect(files).toContain('test/mine.test.ts')
    const manifest = await Bun.file(join(folder, 'package.json')).json()
    expect(manifest).toMatchObject({ name: 'arkwatch-plugin-mine', peerDependencies: { arkwatch: '^0.1.0' } })
    expect(manifest.devDependencies.hono).toBe(own.peerDependencies.hono)
    expect(manifest.private).toBeUndefined()
    for (const file of Object.values(manifest.exports as Record<string, string>)) {
      expect(existsSync(join(folder, file))).toBe(true)
    }
  })

  test('does not write into a folder that is not empty, unless forced', async () => {
    const made = newFolder()
    await made.write('here/kept.txt', 'x')
    const refused = await made.run('plugin', 'new', 'mine', '--dir', 'here')
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toContain('[CLI_FILE_EXISTS]')
    expect(existsSync(join(made.folder, 'here/index.ts'))).toBe(false)
    expect((await made.run('plugin', 'new', 'mine', '--dir', 'here', '--force')).exitCode).toBe(0)
    await made.write('file', '')
    const file = await made.run('plugin', 'new', 'mine', '--dir', 'file', '--force')
    expect(file.exitCode).toBe(1)
    expect(file.stderr).toContain('[CLI_FILE_UNWRITABLE]')
  })

  test('refuses a name that is none, with 64', async () => {
    const made = newFolder()
    const { exitCode, stderr } = await made.run('plugin', 'new', '../evil')
    expect(exitCode).toBe(64)
    expect(stderr).toContain('"../evil"')
    expect((await made.run('plugin', 'new', 'health')).exitCode).toBe(64)
  })
})

const refused = ['', 'Queue', '1st', 'a-b', 'a__b', '_a', 'a_', 'a b', 'ä', '../x', 'x'.repeat(64), 'health']
test.each(refused)('the name %j is refused', (name) => {
  expect(() => pluginNames(name, ['health'])).toThrow()
})

test('a name becomes a type and a package', () => {
  expect(pluginNames('queue_depth', [])).toEqual({
    plugin: 'queue_depth',
    type: 'QueueDepth',
    package: 'arkwatch-plugin-queue-depth',
  })
})
