import { expect, test } from 'bun:test'
import { coreError, messageOf } from '../../../core/contract/errors.ts'
import { type Parts, rig } from './host-rig.ts'

const foreign = 'cannot connect to postgres://u:canary@h:5432/db with {"token":"can\\"ary"}: password=canary'
const fail = () => {
  throw new Error(foreign)
}

const phases: Record<string, (setUp: { report(): void; timer(): void }) => Parts> = {
  start: () => ({ start: fail }),
  ready: () => ({ ready: fail }),
  'a report': ({ report }) => ({ start: report }),
  'a timer': ({ timer }) => ({ start: timer }),
}

test('what a plugin throws or reports is shown without its secrets: in status, in errors and in messages of lines', async () => {
  for (const [phase, parts] of Object.entries(phases)) {
    for (const required of [false, true]) {
      const { clock, define, host, lines, reasons, section } = rig()
      define('a', {
        setup: ({ clock, report }) =>
          parts({ report: () => report('degraded', foreign), timer: () => void clock.after(1, fail) }),
      })
      const boot = host.boot([section('a', 1, { required })])
      const thrown = await boot.then(() => host.ready()).catch((error: unknown) => error)
      await clock.advance(10)
      const shown = [messageOf(thrown), ...Object.values(reasons()), ...lines.map(({ message }) => message)].join('\n')
      expect([phase, shown]).not.toEqual([phase, expect.stringMatching(/can(?:ary|\\)/)])
      if (!required) expect([phase, reasons().a]).toEqual([phase, expect.stringContaining('u:[redacted]@h:5432/db')])
      await host.stop()
    }
  }
})

test('an error of a table shows no secret of its details, however it was written into them', () => {
  const error = coreError('PLUGIN_FAILED', { plugin: 'a', phase: 'start', reason: foreign })
  expect(error.message).toStartWith('plugin a failed in start: cannot connect to postgres://u:[redacted]@h:5432/db')
  expect(error.message).not.toContain('canary')
  expect(coreError('PLUGIN_INVALID', { plugin: Symbol('s'), what: Object.create(null) }).message).toBeString()
})
