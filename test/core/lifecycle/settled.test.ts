import { expect, test } from 'bun:test'
import { rig } from './host-rig.ts'

test('settled runs once a reload of a reconfigured plugin has ended, with a success or a rollback', async () => {
  const { define, host, section, trace } = rig()
  const reconfigured = (name: string) =>
    define(name, {
      setup: () => ({
        reconfigure: (next) => {
          trace.push(`${name} ${next}`)
          if (next === 'bad') throw new Error('no')
        },
        settled: () => void trace.push(`${name} settled`),
      }),
    })
  for (const name of ['a', 'b', 'untouched']) reconfigured(name)
  define('replaced')
  const sections = (a: unknown, b: unknown) => [
    ...[section('a', a), section('b', b), section('untouched'), section('replaced', `${a}${b}`)],
  ]
  await host.boot(sections(1, 1))
  trace.length = 0
  await expect(host.reload(sections(2, 'bad'))).rejects.toThrow('no')
  expect(trace.splice(0)).toEqual(['a 2', 'b bad', 'a 1', 'a settled', 'b settled'])
  await host.reload(sections(2, 2))
  const [swap, end] = [
    ['start replaced', 'stop replaced reload'],
    ['a settled', 'b settled'],
  ]
  expect(trace).toEqual(['a 2', 'b 2', ...swap, ...end])
  await host.stop()
})

test('a plugin that throws or hangs in settled has a fault, and the reload has succeeded', async () => {
  const { clock, define, host, section, reasons } = rig()
  const fails = () => {
    throw new Error('still open')
  }
  define('throwing', { setup: () => ({ reconfigure() {}, settled: fails }) })
  define('hanging', { setup: () => ({ reconfigure() {}, settled: () => new Promise(() => {}) }) })
  const sections = (config: number) => [section('throwing', config), section('hanging', config)]
  await host.boot(sections(1))
  const reloaded = host.reload(sections(2))
  await clock.advance(5_000)
  await reloaded
  expect(reasons().throwing).toBe('settled threw: still open')
  expect(reasons().hanging).toContain('settled')
  await host.stop()
})
