import { describe, expect, test } from 'bun:test'
import { evaluateDisk, readDisk } from '../../../../plugins/health/kinds/disk.ts'
import { evaluateDns, recordLines } from '../../../../plugins/health/kinds/dns.ts'
import { evaluateDelay } from '../../../../plugins/health/kinds/event-loop.ts'
import { evaluateHttp, matchesStatus } from '../../../../plugins/health/kinds/http.ts'
import { readMysql } from '../../../../plugins/health/kinds/mysql.ts'
import { readPostgres } from '../../../../plugins/health/kinds/postgres.ts'
import { evaluateProcess, parseStat } from '../../../../plugins/health/kinds/process.ts'
import { evaluateRedis, parseInfo } from '../../../../plugins/health/kinds/redis.ts'
import { evaluateSql } from '../../../../plugins/health/kinds/sql.ts'
import { evaluateCertificate } from '../../../../plugins/health/kinds/tls.ts'

const sqlLimits = { connectionsDegradedAbove: 0.9, lagDegradedAbove: 30_000 }
const facts = {
  latencyMs: 1,
  connectionsUsed: 10,
  connectionsMax: 100,
  role: 'primary' as const,
  lagSeconds: undefined,
  replicas: 0,
}

describe('SQL servers', () => {
  test.each([
    ['few connections', {}, 'up', undefined],
    ['most connections in use', { connectionsUsed: 91 }, 'degraded', '91 of 100 connections in use, over 90 %'],
    [
      'a replica that lags',
      { role: 'replica' as const, lagSeconds: 31 },
      'degraded',
      'replication lag 31.0 s, over 30 s',
    ],
    ['a replica that keeps up', { role: 'replica' as const, lagSeconds: 2 }, 'up', undefined],
    [
      'replication stopped',
      { replicationError: 'Slave_IO_Running is No' },
      'degraded',
      'replication: Slave_IO_Running is No',
    ],
    [
      'nothing known but the answer',
      { connectionsUsed: undefined, connectionsMax: undefined, role: undefined },
      'up',
      undefined,
    ],
  ])('%s', (_, changes, status, message) => {
    const result = evaluateSql({ ...facts, ...changes }, sqlLimits)
    expect([result.status as string, result.message]).toEqual([status, message])
  })

  test('the details of a primary with replicas and of a replica', () => {
    const row = { used: 5, max: 100, replica: false, behind: null, replicas: 2, replica_lag: 0.5 }
    expect(evaluateSql(readPostgres(row, 1), sqlLimits).details).toEqual({
      connectionsUsed: 5,
      connectionsMax: 100,
      role: 'primary',
      replicas: 2,
      replicationLagSeconds: 0.5,
    })
    const replica = { used: 5, max: 100, replica: true, behind: 40, replicas: 0, replica_lag: null }
    expect(evaluateSql(readPostgres(replica, 1), sqlLimits)).toMatchObject({
      status: 'degraded',
      details: { role: 'replica' },
    })
    expect(evaluateSql(readPostgres(undefined, 1), sqlLimits)).toMatchObject({ status: 'up', details: {} })
  })

  test('the replication of MySQL and of MariaDB', () => {
    const mariadb = { Slave_IO_Running: 'Yes', Slave_SQL_Running: 'Yes', Seconds_Behind_Master: 4 }
    expect(readMysql({ used: '3', max: 151 }, mariadb, 1)).toMatchObject({
      connectionsUsed: 3,
      role: 'replica',
      lagSeconds: 4,
    })
    const stopped = { Replica_IO_Running: 'Yes', Replica_SQL_Running: 'No', Seconds_Behind_Source: null }
    expect(readMysql({}, stopped, 1)).toMatchObject({
      replicationError: 'Replica_SQL_Running is No',
      lagSeconds: undefined,
    })
  })
})

describe('Redis', () => {
  const info = (text: string) =>
    parseInfo(
      `# Memory\r\nused_memory:900\r\nmaxmemory:0\r\nconnected_clients:3\r\nmaxclients:100\r\nrole:master\r\n${text}`,
    )
  const limits = { role: 'any' as const, memoryDegradedAbove: 0.9, clientsDegradedAbove: 0.9 }
  test.each([
    ['a master without a memory limit', '', {}, 'up', undefined],
    ['memory near its limit', 'maxmemory:950\r\n', {}, 'degraded', '95 % of maxmemory in use, over 90 %'],
    ['clients near their limit', 'connected_clients:95\r\n', {}, 'degraded', '95 % of maxclients in use, over 90 %'],
    [
      'a replica where a master is wanted',
      'role:slave\r\n',
      { role: 'master' as const },
      'degraded',
      'role is replica, not master',
    ],
    [
      'a replica whose master is away',
      'role:slave\r\nmaster_link_status:down\r\n',
      {},
      'degraded',
      'link to the master is down',
    ],
  ])('%s', (_, text, changes, status, message) => {
    const result = evaluateRedis(info(text), 1, { ...limits, ...changes })
    expect([result.status as string, result.message]).toEqual([status, message])
  })

  test('memory, clients and role are details', () => {
    expect(evaluateRedis(info('redis_version:7.0.15\r\n'), 1, limits).details).toEqual({
      memoryUsedBytes: 900,
      clients: 3,
      clientsMax: 100,
      role: 'master',
      version: '7.0.15',
    })
  })
})

describe('HTTP', () => {
  test.each([
    [204, ['2xx'], true],
    [301, ['2xx'], false],
    [429, ['2xx', 429], true],
    [430, [429], false],
  ])('status %i against %j', (status, expected, matches) => {
    expect(matchesStatus(status, expected)).toBe(matches)
  })

  test('a failed condition is told with the value seen, the body never', () => {
    expect(evaluateHttp({ status: 503, latencyMs: 1, body: undefined }, { status: ['2xx', 429] }).message).toBe(
      'status 503, expected 2xx or 429',
    )
    const result = evaluateHttp(
      { status: 200, latencyMs: 1, body: 'private' },
      { status: ['2xx'], bodyContains: 'ready' },
    )
    expect(result).toMatchObject({ status: 'down', message: 'body does not hold the expected text' })
  })
})

describe('certificates', () => {
  const day = 86_400_000
  const nowMs = 1_000 * day
  const limits = { verify: true, degradedBelow: 14 * day, downBelow: 3 * day }
  const good = { validFromMs: nowMs - 10 * day, validToMs: nowMs + 80 * day, distrust: undefined }
  test.each([
    ['one that is good for long', {}, 'up', undefined],
    ['one that ends within two weeks', { validToMs: nowMs + 10 * day }, 'degraded', 'certificate expires in 10.0 days'],
    ['one that ends within three days', { validToMs: nowMs + 2 * day }, 'down', 'certificate expires in 2.0 days'],
    ['one that has ended', { validToMs: nowMs - day }, 'down', 'certificate expired 1.0 days ago'],
    ['one that has not begun', { validFromMs: nowMs + day }, 'down', 'certificate is not valid for another 1.0 days'],
    [
      'one that nobody vouches for',
      { distrust: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      'down',
      'not trusted: DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
  ])('%s', (_, changes, status, message) => {
    const result = evaluateCertificate({ ...good, ...changes }, nowMs, limits)
    expect([result.status as string, result.message]).toEqual([status, message])
    expect(result.details).toHaveProperty('expiresInDays')
  })

  test('trust is not asked for when verify is off', () => {
    expect(evaluateCertificate({ ...good, distrust: 'self-signed' }, nowMs, { ...limits, verify: false }).status).toBe(
      'up',
    )
  })
})

describe('what this machine tells', () => {
  test('a disk counts as df does, and the fuller of space and inodes decides', () => {
    const stat = { bsize: 4_096, blocks: 1_000, bfree: 200, bavail: 150, files: 100, ffree: 90 }
    expect(readDisk({ ...stat, bsize: 1_048_576, frsize: 4_096 })).toEqual(readDisk(stat))
    expect(readDisk(stat)).toEqual({
      totalBytes: 4_096_000,
      freeBytes: 614_400,
      usedRatio: 800 / 950,
      inodesUsedRatio: 0.1,
    })
    const limits = { degradedAbove: 0.85, downAbove: 0.95 }
    const judge = (usedRatio: number, inodesUsedRatio = 0) => {
      const { status, message } = evaluateDisk({ totalBytes: 1, freeBytes: 1, usedRatio, inodesUsedRatio }, limits)
      return [status as string, message]
    }
    expect(judge(0.5)).toEqual(['up', undefined])
    expect(judge(0.9)).toEqual(['degraded', '90 % of space used, over 85 %'])
    expect(judge(0.9, 0.97)).toEqual(['down', '97 % of inodes used, over 95 %'])
  })

  test('a process lives, is stopped, is dead or is not there', () => {
    expect(parseStat('42 (a (b) c) S 1 42')).toEqual({ pid: 42, name: 'a (b) c', state: 'S' })
    expect(parseStat('nonsense')).toBeUndefined()
    const judge = (state: string) => evaluateProcess({ pid: 1, name: 'x', state }, 'name x').status as string
    expect(['S', 'R', 'T', 'Z'].map(judge)).toEqual(['up', 'up', 'degraded', 'down'])
    expect(evaluateProcess(undefined, 'name x')).toEqual({ status: 'down', message: 'no process: name x' })
  })

  test('the event loop is judged by its p99 delay', () => {
    const judge = (p99Ms: number) =>
      evaluateDelay(
        { minMs: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms, maxMs: 0 },
        { degradedAbove: 100, downAbove: 1_000 },
      ).status as string
    expect([100, 101, 1_001].map(judge)).toEqual(['up', 'degraded', 'down'])
  })
})

test('DNS answers are lines, and every expected one must be among them', () => {
  expect(recordLines(['10.0.0.1', ['v=spf1 ', '-all'], { priority: 10, exchange: 'mx.example' }])).toEqual([
    '10.0.0.1',
    'v=spf1 -all',
    '10 mx.example',
  ])
  expect(recordLines([{ priority: 0, weight: 5, port: 5_432, name: 'db.example' }])).toEqual(['0 5 5432 db.example'])
  expect(evaluateDns(['a', 'b'], ['b']).status).toBe('up')
  expect(evaluateDns(['a'], ['b'])).toMatchObject({ status: 'down', message: 'answers lack b; seen a' })
  expect(evaluateDns([], [])).toMatchObject({ status: 'down', message: 'no record' })
})
