import { expect, test } from 'bun:test'
import { scrubber, secretsOf } from '../../../plugins/health/checks/scrub.ts'

test.each([
  ['postgres://app:s3cr3t-canary@db:5432/x', 's3cr3t-canary'],
  ['mysql+pymysql://app:p%40ss-canary@db/x', 'p@ss-canary'],
  ['redis://:canary/with/slash@cache:6379', 'canary/with/slash'],
  ['postgres://app@db/x?password=query-canary&sslmode=require', 'query-canary'],
  ['postgres://app:a@b:canary@db/x', 'a@b:canary'],
])('the password of %p never shows', (url, canary) => {
  const scrub = scrubber(secretsOf(url))
  for (const message of [
    `cannot connect to ${url}`,
    `denied with "${canary}"`,
    `${encodeURIComponent(canary)} refused`,
  ]) {
    const shown = scrub(message)
    expect(shown).not.toContain(canary)
    expect(shown).not.toContain(encodeURIComponent(canary))
  }
})

test('a url without a password has no secret, and messages become one short line', () => {
  expect(secretsOf('redis://127.0.0.1:6379/0')).toEqual([])
  expect(scrubber([])('a\n  b')).toBe('a b')
  expect(scrubber([])('x'.repeat(1_000))).toHaveLength(300)
})
