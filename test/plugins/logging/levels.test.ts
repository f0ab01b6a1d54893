import { describe, expect, test } from 'bun:test'
import type { Level, Logger } from '../../../core/contract/logger.ts'
import { createLevelControl } from '../../../plugins/logging/levels/level-control.ts'
import { LevelTree } from '../../../plugins/logging/levels/level-tree.ts'
import { testClock } from '../../../testing/test-clock.ts'

function setUp() {
  const tree = new LevelTree()
  tree.configure('info', { health: 'warn', 'health.postgres': 'debug' })
  const clock = testClock()
  const said: unknown[] = []
  const info = (message: string, fields: unknown) => said.push([message, fields])
  return { tree, clock, said, control: createLevelControl(tree, clock, { info } as unknown as Logger) }
}

describe('a logger follows its longest prefix that has a level', () => {
  const table: [string, Level][] = [
    ['root', 'info'],
    ['app', 'info'],
    ['health', 'warn'],
    ['health.redis', 'warn'],
    ['health.postgres', 'debug'],
    ['health.postgres.pool', 'debug'],
    ['healthy', 'info'],
    ['constructor', 'info'],
  ]
  for (const [logger, level] of table) {
    test(`${logger}: ${level}`, () => {
      const { tree } = setUp()
      expect(tree.effective(logger)).toBe(level)
      expect(tree.isEnabled(level, logger)).toBe(true)
      expect(tree.isEnabled('trace', logger)).toBe(false)
    })
  }
})

describe('a level set at run time', () => {
  test('holds for the logger and those below it at once', () => {
    const { tree, control } = setUp()
    expect(tree.isEnabled('debug', 'app.db')).toBe(false)
    control.set('app', 'debug')
    expect(tree.isEnabled('debug', 'app.db')).toBe(true)
    expect(tree.effective('other')).toBe('info')
  })

  test('null lets the logger follow its parent, also against config.yaml', () => {
    const { tree, control } = setUp()
    control.set('health.postgres', null)
    expect(tree.effective('health.postgres')).toBe('warn')
    control.set('root', 'error')
    control.set('root', null)
    expect(tree.effective('app')).toBe('info')
  })

  test('reverts by itself, and says so', async () => {
    const { tree, clock, control, said } = setUp()
    control.set('health', 'trace', 900_000)
    expect(control.list([])).toContainEqual({
      logger: 'health',
      configured: 'trace',
      effective: 'trace',
      revertsAtMs: clock.now() + 900_000,
    })
    await clock.advance(899_999)
    expect(tree.effective('health')).toBe('trace')
    await clock.advance(1)
    expect(tree.effective('health')).toBe('warn')
    expect(said).toEqual([
      ['log level set', { target: 'health', set: 'trace', effective: 'trace', forMs: 900_000 }],
      ['log level reverted', { target: 'health', effective: 'warn' }],
    ])
    expect(clock.pending).toBe(0)
  })

  test('reverts to what was set before for good', async () => {
    const { tree, clock, control } = setUp()
    control.set('app', 'warn')
    control.set('app', 'debug', 1_000)
    control.set('app', 'trace', 5_000)
    await clock.advance(2_000)
    expect(tree.effective('app')).toBe('trace')
    await clock.advance(3_000)
    expect(tree.effective('app')).toBe('warn')
  })

  test('outlives a new configuration', () => {
    const { tree, control } = setUp()
    control.set('app', 'debug')
    tree.configure('error', {})
    expect([tree.effective('app'), tree.effective('health')]).toEqual(['debug', 'error'])
  })

  test('is refused where it makes no sense', () => {
    const { control } = setUp()
    for (const call of [
      () => control.set('', 'info'),
      () => control.set('a', 'loud' as Level),
      () => control.set('a', 'info', 0),
      () => control.set('a', 'info', Number.NaN),
      () => control.set('x'.repeat(300), 'info'),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'LOG_LEVEL_INVALID' }))
    }
  })

  test('is one of a bounded number', () => {
    const { control } = setUp()
    for (let index = 0; index < 256; index += 1) control.set(`l${index}`, 'debug')
    expect(() => control.set('one-more', 'debug')).toThrow(expect.objectContaining({ code: 'LOG_LEVEL_LIMIT' }))
    control.set('l0', null)
    control.set('one-more', 'debug')
  })
})

test('the list names configured loggers and those that have written', () => {
  const { control } = setUp()
  expect(control.list(['app'])).toEqual([
    { logger: 'root', configured: 'info', effective: 'info' },
    { logger: 'health', configured: 'warn', effective: 'warn' },
    { logger: 'health.postgres', configured: 'debug', effective: 'debug' },
    { logger: 'app', configured: undefined, effective: 'info' },
  ])
})
