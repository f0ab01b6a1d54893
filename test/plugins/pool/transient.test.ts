import { expect, test } from 'bun:test'
import { httpStatusOf } from '../../../index.ts'
import { cacheError } from '../../../plugins/cache/errors.ts'
import { poolError } from '../../../plugins/pool/errors.ts'
import { isTransient } from '../../../plugins/pool/public.ts'
import { redisError } from '../../../plugins/redis/errors.ts'

test('an error after which a request may be tried again is 503, a fault of the program has no status', () => {
  const later = [
    ...(['POOL_TIMEOUT', 'POOL_QUEUE_FULL', 'POOL_UNAVAILABLE', 'POOL_CLOSED'] as const).map((code) => poolError(code)),
    ...(['POOL_CONNECTION_LOST', 'POOL_STATEMENT_TIMEOUT'] as const).map((code) => poolError(code)),
    ...(['CACHE_LOAD_TIMEOUT', 'CACHE_BUSY'] as const).map((code) => cacheError(code)),
    ...(['REDIS_UNAVAILABLE', 'REDIS_TIMEOUT', 'REDIS_QUEUE_FULL'] as const).map((code) => redisError(code)),
  ]
  expect(later.map(httpStatusOf)).toEqual(later.map(() => 503))
  const faults = [poolError('POOL_DEADLOCK'), poolError('POOL_RELEASED'), cacheError('CACHE_QUERY_REFUSED')]
  const others = [new Error('x'), { code: 'toString' }, { code: 1 }, undefined, null, 'POOL_TIMEOUT']
  expect([...faults, ...others].map(httpStatusOf)).toEqual([...faults, ...others].map(() => undefined))
})

test('the server says by SQLSTATE that it may do later what it refused now', () => {
  for (const code of ['40001', '40P01', '53300', '57P01', '57P02', '57P03']) expect(isTransient({ code })).toBe(true)
  for (const other of [{ code: '23505' }, { code: '57014' }, new Error('x'), undefined, null])
    expect(isTransient(other)).toBe(false)
})
