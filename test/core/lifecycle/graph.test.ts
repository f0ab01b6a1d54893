import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { service } from '../../../core/contract/tokens.ts'
import { type GraphNode, orderPlugins } from '../../../core/lifecycle/graph.ts'

const tokens = (names: string[]) => Object.fromEntries(names.map((name) => [name, service(name)]))
const node = (name: string, provides: string[] = [], needs: string[] = [], wants: string[] = []): GraphNode => ({
  name,
  definition: { provides: tokens(provides), needs: tokens(needs), wants: tokens(wants) },
})

describe('the start order', () => {
  test('puts providers before those who need or want them, and keeps the order of the config otherwise', () => {
    const nodes = [node('c', [], ['a'], ['b']), node('x'), node('b', ['b']), node('a', ['a'])]
    expect(orderPlugins(nodes).map((each) => each.name)).toEqual(['x', 'b', 'a', 'c'])
  })

  test('leaves out a want that nobody provides', () => {
    expect(orderPlugins([node('a', [], [], ['gone'])]).map((each) => each.name)).toEqual(['a'])
  })

  const refused: [string, GraphNode[], string, string][] = [
    ['a need that nobody provides', [node('a', [], ['gone'])], 'SERVICE_UNAVAILABLE', 'gone'],
    ['two providers of one service', [node('a', ['s']), node('b', ['s'])], 'SERVICE_DUPLICATE', 'a and b'],
    ['a provider of what the runtime provides', [node('a', ['runtime'])], 'SERVICE_DUPLICATE', 'the runtime'],
    [
      'a circle, which it prints',
      [node('z', [], ['a']), node('a', ['a'], ['b']), node('b', ['b'], [], ['a'])],
      'GRAPH_CYCLE',
      'a -> b -> a',
    ],
  ]
  for (const [what, nodes, code, message] of refused) {
    test(`refuses ${what}`, () => {
      expect(() => orderPlugins(nodes, new Set(['runtime']))).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(message) }),
      )
    })
  }

  test('does not depend on the order of the config where services decide', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(9), { maxLength: 3 }), { minLength: 1, maxLength: 10 }),
        fc.infiniteStream(fc.nat()),
        (needs, keys) => {
          const nodes = needs.map((before, index) =>
            node(
              `p${index}`,
              [`s${index}`],
              before.filter((other) => other < index).map((other) => `s${other}`),
            ),
          )
          const shuffled = nodes.map((each) => [keys.next().value, each] as const).toSorted(([a], [b]) => a - b)
          const order = orderPlugins(shuffled.map(([, each]) => each)).map((each) => each.name)
          expect(order).toHaveLength(nodes.length)
          needs.forEach((before, index) => {
            for (const other of before)
              if (other < index) expect(order.indexOf(`p${other}`)).toBeLessThan(order.indexOf(`p${index}`))
          })
        },
      ),
    )
  })
})
