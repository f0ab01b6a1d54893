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

test('no line of a last flush overtakes a write to a socket that waits for a thread', async () => {
  const kept = await die('starved', 'pipe')
  expect(kept).toEqual(expected.slice(0, kept.length))
}, 20_000)

describe('a process whose standard output is a socket that nobody reads ends all the same', () => {
  const parent = new URL('./fixtures/not-reading-parent.ts', import.meta.url).pathname
  for (const end of ['exit', 'uncaughtException', 'stop']) {
    test(end, async () => {
      const child = Bun.spawn([process.execPath, parent, fixture, end], { stderr: 'ignore' })
      expect(await new Response(child.stdout).text()).toBe('ended\n')
    }, 30_000)
  }
})

describe('500 requests answered in the last moment of a process have 500 access lines', () => {
  const server = new URL('./fixtures/dying-server.ts', import.meta.url).pathname
  for (const place of ['file', 'stdout'] as const) {
    test(place, async () => {
      const file = place === 'file' ? join(folder, 'access.log') : ''
      const child = Bun.spawn([process.execPath, server, file, String(lines)], { stderr: 'ignore' })
      const piped = await new Response(child.stdout).text()
      const text = place === 'file' ? readFileSync(file, 'utf8') : piped
      const found = text.split('\n').filter((line) => line !== '')
      expect(found).toHaveLength(lines)
      expect(JSON.parse(found[0]!)).toMatchObject({ method: 'GET', route: '__unmatched', status: 404 })
    }, 20_000)
  }
})
