import { afterAll, describe, expect, test } from 'bun:test'
import { catalog } from '../../../plugins/catalog.ts'
import { environmentOverlays as overlays } from '../../../plugins/environment.ts'
import { load, removeFolders, sectionOf } from '../../core/config/support.ts'

afterAll(removeFolders)

const yaml = 'plugins:\n  cache: { ttl: 5m }\n  redis: {}\n'
const start = (env: Record<string, string>) => load(yaml, { env, catalog, overlays })

describe('the environment', () => {
  test('CACHE_DEFAULT_TTL sets the time to live in seconds, and REDIS_URL the server', async () => {
    const loaded = await start({ CACHE_DEFAULT_TTL: '90', REDIS_URL: 'redis://h:1/2' })
    expect(loaded.problems).toEqual([])
    expect(sectionOf(loaded, 'cache').config).toMatchObject({ ttl: 90_000 })
    expect(sectionOf(loaded, 'redis').config).toMatchObject({ url: 'redis://h:1/2' })
  })

  test('CACHE_ENABLED switches the cache off and on', async () => {
    expect(sectionOf(await start({ CACHE_ENABLED: 'false' }), 'cache').disabled).toBeDefined()
    expect(sectionOf(await start({ CACHE_ENABLED: 'true' }), 'cache').disabled).toBeUndefined()
  })

  test('without a section there is a cache only where CACHE_ENABLED says so, and no variable of the pool counts', async () => {
    const bare = (env: Record<string, string>) => load('plugins:\n  redis: {}\n', { env, catalog, overlays })
    const plugins = async (env: Record<string, string>) => {
      const { problems, config } = await bare(env)
      expect(problems).toEqual([])
      return config.plugins.filter(({ disabled }) => disabled === undefined).map(({ name }) => name)
    }
    expect(await plugins({ CACHE_DEFAULT_TTL: '90', DB_POOL_SIZE: '7' })).not.toContain('cache')
    expect(await plugins({ CACHE_ENABLED: 'false' })).not.toContain('cache')
    const on = await bare({ CACHE_ENABLED: 'true', CACHE_DEFAULT_TTL: '90', DB_POOL_SIZE: '7', DB_POOL_TIMEOUT: '9' })
    expect(on.problems).toEqual([])
    expect(sectionOf(on, 'cache').config).toMatchObject({ ttl: 90_000 })
    expect(sectionOf(on, 'cache').disabled).toBeUndefined()
  })

  test('what is no time, no boolean or no URL of Redis is refused by name', async () => {
    const wrong: Record<string, string>[] = [
      { CACHE_DEFAULT_TTL: '0' },
      { CACHE_DEFAULT_TTL: '5m' },
      { CACHE_ENABLED: 'maybe' },
      { REDIS_URL: 'http://h' },
    ]
    for (const env of wrong) {
      const { problems } = await start(env)
      expect(JSON.stringify(problems)).toContain(Object.keys(env)[0]!)
    }
  })
})
