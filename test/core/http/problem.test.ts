import { expect, test } from 'bun:test'
import { jsonPointer } from '../../../core/contract/config-problem.ts'
import { problemResponse, problemTitle } from '../../../core/http/problem.ts'

test('a problem begins with type, title and status, and keeps the order of the other members', async () => {
  const problem = { detail: 'd', code: 'C', help: undefined, status: 409, errors: [{ pointer: '/a' }], instance: 'i' }
  const response = problemResponse(problem, { 'retry-after': '1' })
  expect(await response.text()).toBe(
    '{"type":"about:blank","title":"Conflict","status":409,"detail":"d","code":"C","errors":[{"pointer":"/a"}],"instance":"i"}',
  )
  expect(response.status).toBe(409)
  expect(Object.fromEntries(response.headers)).toEqual({
    'retry-after': '1',
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  })
})

test('the title is the one of the status, unless the problem has another', async () => {
  expect([404, 414, 422, 499].map(problemTitle)).toEqual([
    'Not found',
    'URI too long',
    'Unprocessable content',
    'Request failed',
  ])
  expect(await problemResponse({ status: 404, title: 'Gone' }).json()).toMatchObject({ title: 'Gone' })
})

test('a pointer escapes what separates its parts', () => {
  expect(jsonPointer([])).toBe('')
  expect(jsonPointer(['a/b', 'm~n', 0, '~1'])).toBe('/a~1b/m~0n/0/~01')
})
