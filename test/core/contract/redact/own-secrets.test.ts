import { expect, test } from 'bun:test'
import schema from '../../../../config.schema.json' with { type: 'json' }
import { createRedactor } from '../../../../core/contract/redact/redactor.ts'
import { isSecretKey } from '../../../../core/contract/redact/secret-keys.ts'
import { secureSessionCookie, sessionCookie } from '../../../../plugins/admin/guard/identity.ts'
import { makeKey } from '../../../../plugins/admin/keys/key.ts'

type Schema = Readonly<Record<string, unknown>>

/** The names of the fields whose schema says that they are secret. */
function secretFields(node: unknown, name = ''): string[] {
  if (typeof node !== 'object' || node === null) return []
  const { writeOnly, properties, ...rest } = node as Schema
  return [
    ...(writeOnly === true ? [name] : []),
    ...Object.entries((properties ?? {}) as Schema).flatMap(([key, value]) => secretFields(value, key)),
    ...Object.values(rest).flatMap((value) => secretFields(value, name)),
  ]
}

test('every secret of the configuration has a secret name, or is known by its shape', () => {
  // The password of a URL, a PEM key, and headers, which have names of their own.
  const byShape = ['url', 'key', 'headers']
  const names = [...new Set(secretFields(schema))]
  expect(names).toEqual(expect.arrayContaining([...byShape, 'apiKey', 'hmacKey']))
  expect(names.filter((name) => !isSecretKey(name) && !byShape.includes(name))).toEqual([])
})

test('every credential of the admin API is hidden in an object, in headers and in a text', () => {
  const redactor = createRedactor()
  const { text: key } = makeKey()
  expect(redactor.text(`the key ${key} was refused`)).toBe('the key [redacted] was refused')
  for (const name of ['authorization', 'X-Admin-Key', 'cookie', sessionCookie, secureSessionCookie]) {
    expect([name, redactor.key(name).secret]).toEqual([name, true])
    for (const separator of [': ', ':', '=', ' = ']) {
      expect(redactor.text(`${name}${separator}canary-0123`)).toBe(`${name}${separator}[redacted]`)
    }
  }
})
