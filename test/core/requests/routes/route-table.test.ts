import { expect, test } from 'bun:test'
import { RouteTable, unmatchedPattern } from '../../../../core/requests/routes/route-table.ts'

test('ids are dense from 0, and the same template gets the same route', () => {
  const table = new RouteTable()
  const routes = [table.find('GET', '/a'), table.find('POST', '/a'), table.find('GET', unmatchedPattern)]
  expect(routes.map(({ id }) => id)).toEqual([0, 1, 2])
  expect(table.find('GET', '/a')).toBe(routes[0]!)
  expect(table.routes).toEqual(routes)
})

test('methods that HTTP does not define share _OTHER', () => {
  const table = new RouteTable()
  expect(table.find('BREW', '/a')).toBe(table.find('get', '/a'))
  expect(table.find('BREW', '/a').method).toBe('_OTHER')
})

test('over the limit templates fold into __overflow__, and __unmatched keeps its own place', () => {
  const table = new RouteTable(3)
  for (let at = 0; at < 1_000; at += 1) table.find('GET', `/path/${at}`)
  expect(table.find('GET', '/path/999').pattern).toBe('__overflow__')
  expect(table.find('GET', '/path/2').pattern).toBe('/path/2')
  expect(table.find('GET', unmatchedPattern).pattern).toBe('__unmatched')
  for (let at = 0; at < 1_000; at += 1) table.find(`M${at}`, `/other/${at}`)
  for (const method of ['POST', 'M1']) table.find(method, unmatchedPattern)
  expect(table.routes.map(({ method, pattern }) => `${method} ${pattern}`)).toEqual([
    'GET /path/0',
    'GET /path/1',
    'GET /path/2',
    'GET __overflow__',
    'GET __unmatched',
    '_OTHER __overflow__',
    'POST __unmatched',
    '_OTHER __unmatched',
  ])
})
