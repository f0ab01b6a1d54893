import { describe, expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../package.json' with { type: 'json' }

const root = join(import.meta.dir, '..')

/** Runs a program of the checkout. @returns its exit code with all that it printed */
async function run(...command: string[]) {
  const child = Bun.spawn(command, { cwd: root, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, output: `${out}${err}` }
}

const bin = (name: string) => join(root, 'node_modules', '.bin', name)

describe('the project', () => {
  test('type-checks', async () => {
    expect(await run(bin('tsc'), '--noEmit', '--singleThreaded')).toEqual({ code: 0, output: '' })
  }, 120_000)

  test('is clean for the linter and the formatter', async () => {
    const { code, output } = await run(bin('biome'), 'check', '.')
    expect(code === 0 ? '' : output).toBe('')
  }, 120_000)

  test('has generated files that match their source', async () => {
    expect(await run(process.execPath, 'scripts/generate.ts', '--check')).toEqual({ code: 0, output: '' })
  }, 60_000)

  test('has a lock file that matches package.json', async () => {
    const { code, output } = await run(process.execPath, 'install', '--frozen-lockfile', '--dry-run')
    expect(code === 0 ? '' : output).toBe('')
  }, 60_000)

  test('pins Bun to one version, which its engines accept', () => {
    expect(manifest.devDependencies.bun).toMatch(/^\d+\.\d+\.\d+$/)
    expect(Bun.semver.satisfies(manifest.devDependencies.bun, manifest.engines.bun)).toBe(true)
    expect(manifest.trustedDependencies).toContain('bun')
  })

  test('has a bin that Bun runs itself, and exports that exist', async () => {
    const file = join(root, manifest.bin.arkwatch)
    expect(await Bun.file(file).text()).toStartWith('#!/usr/bin/env bun\n')
    expect(statSync(file).mode & 0o111).not.toBe(0)
    const missing = Object.values(manifest.exports).filter(
      (path) => !statSync(join(root, path), { throwIfNoEntry: false }),
    )
    expect(missing).toEqual([])
  })
})
