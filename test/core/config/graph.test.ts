import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type GraphNode, readGraph } from '../../../core/config/graph.ts'
import { service } from '../../../core/contract/tokens.ts'

const tokens = (names: string[]) => Object.fromEntries(names.map((name) => [name, service(name)]))
const node = (name: string, provides: string[] = [], needs: string[] = [], wants: string[] = []): GraphNode => ({
  name,
  definition: { provides: tokens(provides), needs: tokens(needs), wants: tokens(wants) },
})

const order = (nodes: readonly GraphNode[]) => readGraph(nodes).order.map(({ name }) => name)

const off = (given: GraphNode): GraphNode => ({ ...given, disabled: 'enabled: false' })

describe('the graph', () => {
  test('puts providers before those who need or want them, and keeps the order of the config otherwise', () => {
    const nodes = [node('c', [], ['a'], ['b']), node('x'), node('b', ['b']), node('a', ['a'])]
    expect(order(nodes)).toEqual(['x', 'b', 'a', 'c'])
  })

  test('leaves out a want that nobody provides', () => {
    expect(order([node('a', [], [], ['gone'])])).toEqual(['a'])
  })

  const rows: [string, GraphNode[], string[], Record<string, string>?][] = [
    ['a need that nobody provides', [node('a', [], ['gone'])], ['a SERVICE_UNAVAILABLE'], { a: 'gone' }],
    ['two providers of one service', [node('a', ['s']), node('b', ['s'])], ['b SERVICE_DUPLICATE']],
    ['two providers, one of them off', [off(node('a', ['s'])), node('b', ['s']), node('c', [], ['s'])], []],
    ['a provider of what the runtime provides', [node('a', ['runtime'])], ['a SERVICE_DUPLICATE']],
    ['a need that the runtime provides', [node('a', [], ['runtime', 'eventLoop'])], []],
    [
      'a circle',
      [node('z', [], ['a']), node('a', ['a'], ['b']), node('b', ['b'], [], ['a'])],
      ['a GRAPH_CYCLE'],
      { z: 'a' },
    ],
    ['a circle with a plugin that is off', [off(node('a', ['a'], ['b'])), node('b', ['b'], [], ['a'])], []],
    [
      'every error at once',
      [node('a', ['a'], ['a']), node('b', ['b'], ['b']), node('c', [], ['x']), node('d', ['s']), node('e', ['s'])],
      ['e SERVICE_DUPLICATE', 'c SERVICE_UNAVAILABLE', 'a GRAPH_CYCLE', 'b GRAPH_CYCLE'],
      { c: 'x' },
    ],
    ['a need of a plugin that is off', [off(node('a', [], ['gone']))], []],
    [
      'needs whose provider is off, down the line',
      [off(node('a', ['a'])), node('b', ['b'], ['a']), node('c', [], ['b'])],
      [],
      { b: 'a', c: 'b' },
    ],
    [
      'the same, of a required plugin',
      [off(node('a', ['a'])), { ...node('b', [], ['a']), required: true }],
      ['b PLUGIN_REQUIRED_FAILED'],
      { b: 'a' },
    ],
    [
      'a need that a plugin that was not imported may provide',
      [{ ...off(node('a')), isStandIn: true }, node('b', [], ['s'])],
      [],
      { b: 's' },
    ],
  ]
  test.each(rows)('of %s', (_what, nodes, errors, blocked = {}) => {
    const graph = readGraph(nodes)
    expect(graph.errors.map(({ plugin, error }) => `${plugin} ${error.code}`)).toEqual(errors)
    const reasons = Object.entries(blocked).map(([name, id]) => [
      name,
      `needs the service ${id}, which is not available`,
    ])
    expect(Object.fromEntries(graph.blocked)).toEqual(Object.fromEntries(reasons))
  })

  test('names both providers, the whole circle, and who needs what', () => {
    const texts = (nodes: GraphNode[]) => readGraph(nodes).errors.map(({ error }) => error.message)
    expect(texts([node('a', ['s']), node('b', ['s'])])).toEqual(['service s is provided by both a and b'])
    expect(texts([node('a', ['runtime'])])[0]).toContain('by both the runtime and a')
    expect(texts([node('a', ['a'], ['b']), node('b', ['b'], ['a'])])[0]).toEndWith(': a -> b -> a')
    expect(texts([node('a', [], ['gone'])])).toEqual([
      'service gone is not available: plugin a needs the service, and no plugin of the configuration provides it',
    ])
  })

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
          const found = order(shuffled.map(([, each]) => each))
          expect(found).toHaveLength(nodes.length)
          needs.forEach((before, index) => {
            for (const other of before)
              if (other < index) expect(found.indexOf(`p${other}`)).toBeLessThan(found.indexOf(`p${index}`))
          })
        },
      ),
    )
  })
})
