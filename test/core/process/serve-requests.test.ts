import { expect, test } from 'bun:test'
import { announceReady, serveRequests } from '../../../core/worker.ts'

const pass = 'pass parentPort of node:worker_threads'

test.each<[unknown, string]>([
  [undefined, `the first parameter is missing: ${pass}`],
  [null, `the first parameter is null (empty): ${pass}, which is null outside of a thread`],
  [() => 1, `the first parameter is a function: ${pass}`],
  [{}, `the first parameter is a map: ${pass}`],
])('a port that is none (%p) is refused with what to pass', (port, message) => {
  expect(() => announceReady(port as never)).toThrow(`announceReady: ${message}`)
  expect(() => serveRequests(port as never, () => 1)).toThrow(`serveRequests: ${message}`)
})

test('a handler that is none is refused before the thread is ready', () => {
  const posted: unknown[] = []
  const port = { postMessage: (message: unknown) => posted.push(message), on() {} }
  const what = 'serveRequests: the second parameter must be the function that answers'
  expect(() => serveRequests(port as never, undefined as never)).toThrow(what)
  expect(posted).toEqual([])
})
