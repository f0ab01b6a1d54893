/** The source of a new plugin: it counts ticks, which is enough to show every part. Pure. */
import type { PluginNames } from './names.ts'

const index = ({ plugin, type }: PluginNames) => `/** ${type}: manifest and wiring. */
import { definePlugin } from 'arkwatch/plugin'
import { ${type} } from './api.ts'
import { ${type}Config } from './config.ts'
import { next } from './tick.ts'

export default definePlugin({
  api: 1,
  name: '${plugin}',
  version: '0.1.0',
  summary: 'Counts ticks.',
  config: ${type}Config,
  provides: { ${plugin}: ${type} },
  setup({ config, clock, log }) {
    let ticks = 0
    return {
      services: { ${plugin}: { ticks: () => ticks } },
      start() {
        clock.every(config.every, () => {
          ticks = next(ticks)
          log.debug('tick', { ticks })
        })
      },
    }
  },
})
`

const api = ({ plugin, type }: PluginNames) => `/** What other plugins may use of ${plugin}. */
import { service } from 'arkwatch/plugin'

export interface ${type} {
  /** How many ticks there were since the start. */
  ticks(): number
}
export const ${type} = service<${type}>('${plugin}')
`

const config = ({ type }: PluginNames) => `/** The section of config.yaml. */
import { duration, z } from 'arkwatch/plugin'

export const ${type}Config = z
  .strictObject({
    every: duration({ min: '1s', max: '1h' }).prefault('15s').describe('Period between two ticks.'),
  })
  .describe('Counts ticks.')
`

const tick = () => `/** What a tick does. Pure: state in, state out. */

/** @param ticks so far @returns ticks after one more */
export const next = (ticks: number): number => ticks + 1
`

const contract = ({ plugin, type }: PluginNames) => `import { expect, test } from 'bun:test'
import { pluginContract, testRuntime } from 'arkwatch/testing'
import { ${type} } from '../api.ts'
import plugin from '../index.ts'

pluginContract(plugin, { config: { every: '10s' } })

test('it ticks once a period', async () => {
  await using booted = await testRuntime({ plugins: [plugin], config: { plugins: { ${plugin}: { every: '10s' } } } })
  const ${plugin} = booted.runtime.service(${type})
  expect(${plugin}.ticks()).toBe(0)
  await booted.clock.advance(30_000)
  expect(${plugin}.ticks()).toBe(3)
})
`

/** @returns text by path */
export const sourceFiles = (names: PluginNames): Readonly<Record<string, string>> => ({
  'index.ts': index(names),
  'api.ts': api(names),
  'config.ts': config(names),
  'tick.ts': tick(),
  [`test/${names.package.replace('arkwatch-plugin-', '')}.test.ts`]: contract(names),
})
