import { expect, test } from 'bun:test'
import { withoutSet } from '../../../../plugins/admin/routes/recorded-change.ts'

const hidden = '[redacted]'
const before = { open: 1, pin: hidden, list: [hidden], map: { a: hidden, b: 2 }, url: `http://u:${hidden}@h` }

test.each([
  ['nothing', before, {}, before],
  ['an open value', { ...before, open: 2 }, { open: 2 }, before],
  ['a secret', before, { pin: 'new' }, { ...before, pin: undefined }],
  ['a secret to nothing', { ...before, pin: '' }, { pin: '' }, before],
  ['a list of secrets', before, { list: ['new'] }, { ...before, list: undefined }],
  ['one of a map', before, { map: { a: 'new' } }, { ...before, map: { b: 2 } }],
  ['a URL with a password', before, { url: 'http://u:new@h' }, { ...before, url: undefined }],
  ['what was not there', { ...before, more: hidden }, { more: 'new' }, before],
  ['a value as it was', before, { open: 1 }, before],
])('a change that sets %s', (_, after, patch, expected) => {
  const kept = withoutSet(before, after, patch)
  expect(kept).toEqual(expected)
  expect(Object.values(kept as object)).not.toContain(undefined)
})
