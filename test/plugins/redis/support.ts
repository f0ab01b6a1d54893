/** Connections to a Redis, for tests. */
import { expect } from 'bun:test'
import type { Logger } from '../../../core/contract/logger.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { RedisConfig } from '../../../plugins/redis/config.ts'
import { connector } from '../../../plugins/redis/connect.ts'
import { RedisConnections } from '../../../plugins/redis/engine.ts'

const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as Logger

export async function open(url: string, options: Record<string, unknown> = {}) {
  const states: (string | undefined)[] = []
  const config = RedisConfig.parse({
    url,
    commandTimeout: '200ms',
    coolDown: '200ms',
    reconnectMax: '100ms',
    ...options,
  })
  const connections = new RedisConnections({
    config,
    clock: systemClock,
    log: silent,
    connector,
    onState: (reason) => states.push(reason),
  })
  await connections.start()
  return { connections, states, [Symbol.dispose]: () => connections.stop() }
}

export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error) => error.code as string,
  )

/** Waits in real time: the server is another process. */
export async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 400 && !(await met()); round += 1) await systemClock.sleep(25)
  expect(await met()).toBe(true)
}
