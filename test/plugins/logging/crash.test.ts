import { describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const fixture = new URL('./fixtures/dying-process.ts', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'arkwatch-crash-'))
const lines = 500

async function die(end: string, place: 'file' | 'pipe' | 'redirect'): Promise<string[]> {
  const file = join(folder, `${end}-${place}.log`)
  const output = place === 'redirect' ? Bun.file(file) : 'pipe'
  const child = Bun.spawn([process.execPath, fixture, end, place === 'file' ? file : 'stdout', String(lines)], {
    stdout: output,
    stderr: 'pipe',
  })
  if (end === 'SIGTERM') {
    const reader = child.stderr.getReader()
    await reader.read()
    child.kill('SIGTERM')
  }
  const piped = place === 'pipe' ? await new Response(child.stdout as ReadableStream).text() : ''
  await child.exited
  const text = place === 'pipe' ? piped : readFileSync(file, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { message: string }).message)
    .filter((message) => message.startsWith('line '))
}

const expected = Array.from({ length: lines }, (_, index) => `line ${index + 1}`)

describe('500 lines written in the last moment of a process are 500 lines kept, in order', () => {
  for (const end of ['SIGTERM', 'exit', 'uncaughtException', 'unhandledRejection', 'fatal', 'natural']) {
    for (const place of ['file', 'pipe', 'redirect'] as const) {
      test(`${end}, ${place}`, async () => {
        expect(await die(end, place)).toEqual(expected)
      }, 20_000)
    }
  }
})
