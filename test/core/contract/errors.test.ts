import { expect, test } from 'bun:test'
import { runInNewContext } from 'node:vm'
import { ArkwatchError, defineErrors, errorOf, httpStatusOf, messageOf } from '../../../core/contract/errors.ts'

const here = (text: string) => runInNewContext(text)

test.each([
  ['an error of this realm', () => Object.assign(new RangeError('no'), { code: 'RELOAD_BUSY' })],
  ['an error of another realm', () => here("Object.assign(new RangeError('no'), { code: 'RELOAD_BUSY' })")],
  ['a subclass of another realm', () => here("new (class E extends Error { code = 'RELOAD_BUSY' })('no')")],
])('%s keeps its name, message, stack and code, and is an instance of Error', (_, make) => {
  const thrown = make()
  const { name, stack } = errorOf(thrown)
  expect(errorOf(thrown)).toBeInstanceOf(Error)
  expect([name, stack]).toEqual([thrown.name, thrown.stack])
  expect([messageOf(thrown), errorOf(thrown).code, httpStatusOf(thrown)]).toEqual(['no', 'RELOAD_BUSY', 409])
})

test('a subclass of ArkwatchError is itself alone', () => {
  class Own extends ArkwatchError {}
  const [own, other] = [new Own('OWN', 'own', ''), new ArkwatchError('OTHER', 'other', '')]
  expect([own, other].map((error) => [error instanceof Own, error instanceof ArkwatchError])).toEqual([
    [true, true],
    [false, true],
  ])
  expect(new Error('no') instanceof ArkwatchError).toBe(false)
})

test('a copy of an error keeps its message and stack', () => {
  const copy = structuredClone(new TypeError('no'))
  expect([errorOf(copy), messageOf(copy)]).toEqual([copy, 'no'])
})

test.each<[unknown, string]>([
  [{ a: 1 }, 'a map without a message'],
  [{ message: '', secret: 'x' }, 'a map without a message'],
  [{ message: { a: 1 } }, 'a map without a message'],
  [here('({ a: 1 })'), 'a map without a message'],
  [new (class Own {})(), 'a map without a message'],
  [{ message: 'told, password=hunter2' }, 'told, password=[redacted]'],
  [{ toString: () => 'as a text' }, 'as a text'],
  [['a', 'b'], 'a,b'],
])('the message of %p is %p', (thrown, message) => {
  expect([messageOf(thrown), errorOf(thrown).message]).toEqual([message, message])
})

test('what only looks like an error is a text', () => {
  const getter = here("Object.defineProperty(new Error('no'), 'stack', { get() { throw 1 } })")
  for (const thrown of [{ message: 'no', stack: 'x' }, 'no', undefined, null, getter])
    expect(errorOf(thrown)).not.toBe(thrown as never)
})

test.each([204, 200, 99, 700, 399, 600, 404.5, Number.NaN, 'x', null])(
  'a table whose error has the status %p, which is not one of an error, is refused with the code',
  (status) => {
    const define = () => defineErrors('odd', { ODD: { status: status as never, message: 'm', help: 'h' } })
    expect(define).toThrow(`the status of the error ODD is ${status}: expected 400 to 599`)
  },
)
