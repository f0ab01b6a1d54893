import { expect, test } from 'bun:test'
import { PoolConfig } from '../../../plugins/pool/config.ts'
import pool from '../../../plugins/pool/index.ts'
import { unconfiguredReason } from '../../../plugins/pool/pools.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'

pluginContract(pool, { config: { url: 'postgres://u:hidden@127.0.0.1:1/d' }, secrets: ['hidden'] })

test('without a url of PostgreSQL there is nothing to do', () => {
  const reason = (url: string) => unconfiguredReason(PoolConfig.parse({ url }))
  expect(reason('')).toBe('url is empty')
  expect(reason('mysql://h/d')).toBe('url is not one of PostgreSQL')
  expect(reason('postgresql+psycopg2://h/d')).toBeUndefined()
  const extra = PoolConfig.parse({ url: 'postgres://h/d', pools: { second: {} } })
  expect(unconfiguredReason(extra)).toBe('the url of pools.second is empty')
})
