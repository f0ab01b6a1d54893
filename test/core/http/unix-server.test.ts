/** Socket files of successive servers: the path is that of the newest server that still listens. */
import { expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveUnix } from '../../../core/http/unix-server.ts'

type Server = ReturnType<typeof serveUnix>

const newFolder = () => mkdtempSync(join(tmpdir(), 'arkwatch-unix-'))
const serve = (unix: string, name: string) => serveUnix(unix, { fetch: () => new Response(name) })
const answer = (unix: string) =>
  fetch('http://localhost/', { unix, keepalive: false }).then(
    (response) => response.text(),
    () => 'no answer',
  )

test.each([
  ['the successor stops, as in a reload that fails', [1, 0], ['first', 'no answer']],
  ['the first stops, as in a reload that succeeds', [0, 1], ['second', 'no answer']],
  ['two successors stop', [2, 1, 0], ['second', 'first', 'no answer']],
  ['the one in the middle stops', [1, 2, 0], ['third', 'first', 'no answer']],
])('%s', async (_, order, expected) => {
  const folder = newFolder()
  const unix = join(folder, 'admin.sock')
  const servers: Server[] = ['first', 'second', 'third'].slice(0, order.length).map((name) => serve(unix, name))
  expect(await answer(unix)).toBe(['first', 'second', 'third'][order.length - 1]!)
  const seen: string[] = []
  for (const at of order) {
    await servers[at]!.stop(true)
    await servers[at]!.stop(true)
    seen.push(await answer(unix))
    if (seen.at(-1) !== 'no answer') expect(statSync(unix).mode & 0o777).toBe(0o600)
  }
  expect(seen).toEqual(expected)
  expect(readdirSync(folder)).toEqual([])
})

test('a file that was removed by hand is not brought back by the stop of an older server', async () => {
  const folder = newFolder()
  const unix = join(folder, 'admin.sock')
  const first = serve(unix, 'first')
  rmSync(unix)
  const second = serve(unix, 'second')
  await first.stop(true)
  expect(await answer(unix)).toBe('second')
  await second.stop(true)
  expect(readdirSync(folder)).toEqual([])
})
