import { expect, test } from 'bun:test'
import { type AnyPlugin, definePlugin } from '../../../core/contract/definition.ts'
import { service } from '../../../core/contract/tokens.ts'
import { type PlanNode, planReload } from '../../../core/lifecycle/reload-plan.ts'
import { z } from '../../../core/plugin.ts'

const plugin = (name: string, provides: string[] = [], needs: string[] = [], wants: string[] = []) => {
  const tokens = (ids: string[]) => Object.fromEntries(ids.map((id) => [id, service(id)]))
  return definePlugin({
    api: 1,
    name,
    version: '1.0.0',
    summary: 'A test.',
    config: z.object({}),
    provides: tokens(provides),
    needs: tokens(needs),
    wants: tokens(wants),
    setup: () => ({}),
  }) as AnyPlugin
}
const definitions = {
  store: plugin('store', ['store']),
  history: plugin('history', ['history'], ['store']),
  alerting: plugin('alerting', ['alerts'], ['history'], ['redis']),
  redis: plugin('redis', ['redis']),
  health: plugin('health'),
}
type Name = keyof typeof definitions
const node = (name: Name, config: unknown = 1, on = true, reconfigurable = false): PlanNode => ({
  name,
  definition: definitions[name],
  config,
  off: on ? undefined : { state: 'disabled', reason: 'enabled: false' },
  reconfigurable,
})
const rows: [string, PlanNode[], PlanNode[], Record<string, string>][] = [
  ['nothing where nothing changed', [node('store')], [node('store')], { store: 'untouched' }],
  ['an add for a new one', [], [node('store')], { store: 'add' }],
  ['a remove for one no longer named', [node('store')], [], { store: 'remove' }],
  ['a remove for one now disabled', [node('store')], [node('store', 1, false)], { store: 'remove' }],
  ['nothing for one that stays disabled', [node('store', 1, false)], [node('store', 2, false)], { store: 'untouched' }],
  ['an add for one that had failed', [node('store', 1, false)], [node('store')], { store: 'add' }],
  [
    'a reconfigure where the plugin takes it',
    [node('health', 1, true, true)],
    [node('health', 2)],
    { health: 'reconfigure' },
  ],
  ['a replace where it does not', [node('health')], [node('health', 2)], { health: 'replace' }],
  [
    'a replace of every holder down the line',
    [node('store'), node('history'), node('alerting'), node('health')],
    [node('store', 2), node('history'), node('alerting'), node('health')],
    { store: 'replace', history: 'replace', alerting: 'replace', health: 'untouched' },
  ],
  [
    'no replace of holders where the provider is reconfigured',
    [node('store', 1, true, true), node('history')],
    [node('store', 2), node('history')],
    { store: 'reconfigure', history: 'untouched' },
  ],
  [
    'a replace of who wants a service that comes',
    [node('alerting')],
    [node('redis'), node('alerting')],
    { redis: 'add', alerting: 'replace' },
  ],
  [
    'a replace of who wants a service that goes',
    [node('redis'), node('alerting')],
    [node('alerting')],
    { redis: 'remove', alerting: 'replace' },
  ],
]
for (const [what, running, wanted, actions] of rows) {
  test(`a reload plans ${what}`, () => {
    const steps = planReload(running, wanted)
    expect<Record<string, string>>(Object.fromEntries(steps.map(({ plugin: name, action }) => [name, action]))).toEqual(
      actions,
    )
  })
}

test.each<[string, PlanNode, PlanNode, string | undefined, string]>([
  ['kept where it stays', node('health'), node('health'), undefined, 'kept'],
  ['kept where it takes a config in place', node('health', 1, true, true), node('health', 2), undefined, 'kept'],
  ['lost where it is replaced', node('health'), node('health', 2), undefined, 'lost'],
  [
    'kept where it gives its state to its successor',
    { ...node('health'), handsOver: true },
    node('health', 2),
    undefined,
    'kept',
  ],
  [
    'lost where another plugin takes the name',
    { ...node('health'), handsOver: true },
    { ...node('health'), definition: definitions.redis },
    undefined,
    'lost',
  ],
  ['lost where it is restarted', { ...node('health'), handsOver: true }, node('health'), 'health', 'lost'],
  ['lost where it is turned off', { ...node('health'), handsOver: true }, node('health', 1, false), undefined, 'lost'],
  ['none where it did not run', node('health', 1, false), node('health'), undefined, 'none'],
])('the state of a plugin is %s', (_, before, after, restart, state) =>
  expect(planReload([before], [after], restart)[0]!.state).toBe(state as never),
)

test('a plugin that holds nothing in memory loses nothing by a restart', () => {
  const stateless = { ...node('health'), definition: { ...definitions.health, holdsState: false } as AnyPlugin }
  expect(planReload([stateless], [stateless], 'health')[0]).toMatchObject({ action: 'replace', state: 'none' })
})
