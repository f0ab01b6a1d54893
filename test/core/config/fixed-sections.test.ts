import { expect, test } from 'bun:test'
import { planListener } from '../../../core/config/fixed-sections.ts'
import { RootConfig } from '../../../core/config/schema/root-config.ts'
import type { RuntimeConfig, ServerConfig } from '../../../core/config/types.ts'

const server: ServerConfig = {
  host: '127.0.0.1',
  port: 8080,
  maxBodyBytes: 1,
  maxUrlLength: 1,
  drainDelayMs: 0,
  drainTimeoutMs: 0,
}
const base = { environment: 'production', dataDir: '/d', workers: { maxThreads: 2, maxQueue: 1 }, server } as const
const rows: [string, Partial<RuntimeConfig>, Partial<RuntimeConfig>, string | undefined][] = [
  ['nothing', {}, {}, undefined],
  [
    'how long it drains',
    {},
    { server: { ...server, drainDelayMs: 5 } },
    'reconfigure drainDelay or drainTimeout changed',
  ],
  ['the port', {}, { server: { ...server, port: 1 } }, 'replace the listener moves from 127.0.0.1:8080 to 127.0.0.1:1'],
  [
    'the host',
    {},
    { server: { ...server, host: '::1' } },
    'replace the listener moves from 127.0.0.1:8080 to [::1]:8080',
  ],
  ['no listener any more', {}, { server: undefined }, 'remove the listener closes 127.0.0.1:8080'],
  ['a first listener', { server: undefined }, {}, 'add the listener opens 127.0.0.1:8080'],
  ['no listener as before', { server: undefined }, { server: undefined }, undefined],
  [
    'the port and the limits',
    {},
    { server: { ...server, port: 1, maxUrlLength: 2 } },
    'replace the listener moves from 127.0.0.1:8080 to 127.0.0.1:1',
  ],
]
test.each(rows)('a reload that changes %s has the step of it', (_what, before, next, expected) => {
  const step = planListener({ ...base, ...before }, { ...base, ...next })
  expect(step && `${step.action} ${step.reason}`).toBe(expected)
})

test.each<[string, Partial<RuntimeConfig>, string]>([
  ['the limits alone', { server: { ...server, maxUrlLength: 2 } }, 'server.limits'],
  ['the data directory', { dataDir: '/e' }, 'data'],
  [
    'environment and workers',
    { environment: 'staging', workers: { maxThreads: 1, maxQueue: 1 } },
    'environment, workers',
  ],
])('a reload that changes %s is refused, by the keys of config.yaml', (_what, change, sections) => {
  expect(() => planListener(base, { ...base, ...change })).toThrow(
    expect.objectContaining({ code: 'RELOAD_NEEDS_RESTART', details: { sections } }),
  )
  for (const key of sections.split(', ')) expect(Object.keys(RootConfig.shape)).toContain(key.split('.')[0]!)
})
