/** What `dependsOn` may name, as a whole configuration is read. */
import { afterAll, describe, expect, test } from 'bun:test'
import { definePlugin } from '../../../core/contract/definition.ts'
import { z } from '../../../core/plugin.ts'
import { catalog } from '../../../plugins/catalog.ts'
import { healthCheck } from '../../../plugins/health/api.ts'
import { load, removeFolders } from '../../core/config/support.ts'

afterAll(removeFolders)

const bare = definePlugin({
  api: 1,
  name: 'outsider',
  version: '1.0.0',
  summary: 'Made for tests.',
  config: z.strictObject({}),
  setup: () => ({}),
})
const problems = async (yaml: string, plugins: readonly (typeof bare)[] = []) =>
  (await load(yaml, { catalog, plugins })).problems

const section = (parent: string) => `plugins:
  health:
    checks:
      gateway: { kind: http, dependsOn: [${parent}] }
      database: { kind: postgres }
`

describe('dependsOn', () => {
  test('refuses each name that neither a check nor a plugin has, at its position', async () => {
    expect(await problems(section('databse, database, x'))).toEqual([
      '4:42 /plugins/health/checks/gateway/dependsOn/0 CONFIG_VALUE no check is called "databse" | did you mean "database"?',
      '4:61 /plugins/health/checks/gateway/dependsOn/2 CONFIG_VALUE no check is called "x" | ' +
        'name a check of this section, or one that a plugin contributes',
    ])
  })

  test('takes a check that is off since its url is empty', async () => {
    expect(await problems(section('database'))).toEqual([])
  })

  test('takes the checks of the plugins that are named, whether or not their target is configured here', async () => {
    const others = `  redis: {}
  pool: { url: "postgres://h/d", pools: { reports: { url: "postgres://h/r" } } }
`
    const parents = 'redis.shared, pool.default, pool.reports'
    expect(await problems(section(parents) + others)).toEqual([])
    expect(await problems(section(parents))).toHaveLength(3)
  })

  test('does not take the checks of a plugin that is switched off', async () => {
    expect(await problems(`${section('redis.shared')}  redis: { enabled: false }\n`)).toEqual([
      expect.stringContaining('no check is called "redis.shared"'),
    ])
  })

  test('takes any name while a plugin from elsewhere is on that does not say what it offers', async () => {
    expect(await problems(section('theirs'), [bare])).toEqual([])
    const saying = { ...bare, offers: () => ({ [healthCheck.id]: ['theirs'] }) }
    expect(await problems(section('theirs'), [saying])).toEqual([])
    expect(await problems(section('others'), [saying])).toHaveLength(1)
  })

  test('refuses a circle where it begins', async () => {
    const yaml = `plugins:
  health:
    checks:
      a: { kind: disk, dependsOn: [b] }
      b: { kind: disk, dependsOn: [a] }
`
    expect(await problems(yaml)).toEqual([
      expect.stringMatching(/^4:35 \/plugins\/health\/checks\/a\/dependsOn CONFIG_VALUE .*a -> b -> a/),
    ])
  })
})
