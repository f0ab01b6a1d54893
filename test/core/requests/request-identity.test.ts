import { describe, expect, test } from 'bun:test'
import { requestIdOf, traceIdOf } from '../../../core/requests/request-identity.ts'

const withHeaders = (headers: Record<string, string>) => new Request('http://localhost/', { headers })

describe('request id', () => {
  test('a well-formed incoming id is taken', () => {
    expect(requestIdOf(withHeaders({ 'x-request-id': 'Abc-1.2_3' }))).toBe('Abc-1.2_3')
    expect(requestIdOf(withHeaders({ 'x-request-id': 'a'.repeat(128) }))).toHaveLength(128)
  })

  for (const bad of ['', 'a b', 'a"b', 'ü', '{}', 'a'.repeat(129)]) {
    test(`${JSON.stringify(bad.slice(0, 10))} is replaced by a new one, the same each time`, () => {
      const request = withHeaders({ 'x-request-id': bad })
      const id = requestIdOf(request)
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      expect(requestIdOf(request)).toBe(id)
    })
  }
})

describe('trace id', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const span = 'b7ad6b7169203331'
  const cases: [header: string, expected: string | undefined][] = [
    [`00-${trace}-${span}-01`, trace],
    [`cc-${trace}-${span}-01-more`, trace],
    [`cc-${trace}-${span}-01`, trace],
    [`00-${trace}-${span}-01-more`, undefined],
    [`cc-${trace}-${span}-01x`, undefined],
    [`ff-${trace}-${span}-01`, undefined],
    [`00-${'0'.repeat(32)}-${span}-01`, undefined],
    [`00-${trace}-${'0'.repeat(16)}-01`, undefined],
    [`00-${trace.toUpperCase()}-${span}-01`, undefined],
    ['nonsense', undefined],
  ]
  for (const [header, expected] of cases) {
    test(`of ${header} is ${expected}`, () => expect(traceIdOf(withHeaders({ traceparent: header }))).toBe(expected))
  }

  test('is undefined without a header', () => expect(traceIdOf(withHeaders({}))).toBeUndefined())
})
