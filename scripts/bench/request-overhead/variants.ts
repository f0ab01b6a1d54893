/** Every variant, in the order of the table. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clocks } from './clocks.ts'
import { peers } from './peers.ts'
import type { Fetch, Variant } from './variant.ts'

/** A variant that is Arkwatch with these plugins, through its public entry. */
const withPlugins = (name: string, plugins: Record<string, unknown>, threaded = false): Variant => ({
  name,
  threaded,
  async open(app) {
    const { arkwatch } = await import('../../../index.ts')
    const data = mkdtempSync(join(tmpdir(), 'arkwatch-overhead-'))
    process.on('exit', () => rmSync(data, { recursive: true, force: true }))
    const ops = await arkwatch({ config: { data, plugins }, env: {} })
    return ops.wrap(app()) as Fetch
  },
})

const quiet = { console: { enabled: false } }
const access = { file: 'access.log' }

export const variants: readonly Variant[] = [
  { name: 'bare', open: (app) => app().fetch },
  withPlugins('wrapper, no plugin', {}),
  withPlugins('metrics', { metrics: {} }),
  withPlugins('metrics + access log', { metrics: {}, logging: { ...quiet, access } }, true),
  withPlugins(
    '… with path and request id',
    { metrics: {}, logging: { ...quiet, access: { ...access, path: true, requestId: true } } },
    true,
  ),
  withPlugins('metrics + request context', { metrics: {}, logging: { ...quiet, context: true } }),
  withPlugins('everything', { metrics: {}, health: {}, logging: { ...quiet, access, context: true } }, true),
  ...peers,
  ...clocks,
]
