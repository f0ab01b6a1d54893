import { expect, test } from 'bun:test'
import { listenerMoves } from '../../../core/config/fixed-sections.ts'
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
const rows: [string, Partial<RuntimeConfig>, boolean | string][] = [
  ['nothing', {}, false],
  ['how long it drains', { server: { ...server, drainDelayMs: 5, drainTimeoutMs: 5 } }, false],
  ['the port', { server: { ...server, port: 8081 } }, true],
  ['the host', { server: { ...server, host: '::1' } }, true],
  ['no listener any more', { server: undefined }, true],
  ['the port and the limits', { server: { ...server, port: 1, maxUrlLength: 2 } }, true],
  ['the limits alone', { server: { ...server, maxUrlLength: 2 } }, 'server.limits'],
  ['the data folder', { dataDir: '/e' }, 'dataDir'],
  [
    'environment and workers',
    { environment: 'staging', workers: { maxThreads: 1, maxQueue: 1 } },
    'environment, workers',
  ],
]
for (const [what, change, expected] of rows) {
  test(`a reload that changes ${what} ${typeof expected === 'string' ? 'is refused' : expected ? 'moves the listener' : 'leaves the listener'}`, () => {
    const decide = () => listenerMoves(base, { ...base, ...change })
    if (typeof expected === 'boolean') expect(decide()).toBe(expected)
    else
      expect(decide).toThrow(expect.objectContaining({ code: 'RELOAD_NEEDS_RESTART', details: { sections: expected } }))
  })
}
