/** The end of commands, by a client that is made up: what a server cannot be brought to do at will. */
import { expect, test } from 'bun:test'
import { EventEmitter } from 'node:events'
import type { Logger } from '../../../core/contract/logger.ts'
import { RedisConfig } from '../../../plugins/redis/config.ts'
import type { Client } from '../../../plugins/redis/connect.ts'
import { RedisConnections } from '../../../plugins/redis/engine.ts'
import { RedisLink } from '../../../plugins/redis/link.ts'
import { testClock } from '../../../testing/index.ts'
import { codeOf } from './support.ts'

const config = RedisConfig.parse({ url: 'redis://127.0.0.1:1/0', commandTimeout: '200ms' })

/** A client that answers when it is told to. */
class MadeUp extends EventEmitter {
  readonly sent: unknown[][] = []
  readonly answers: PromiseWithResolvers<unknown>[] = []
  disconnected = 0
  call(...command: unknown[]): Promise<unknown> {
    if (command[0] === 'THROW') throw new TypeError('no command')
    this.sent.push(command)
    const answer = Promise.withResolvers<unknown>()
    this.answers.push(answer)
    return answer.promise
  }
  disconnect(): void {
    this.disconnected += 1
    for (const { reject } of this.answers) reject(new Error('Connection is closed.'))
  }
}

function linked() {
  const clock = testClock()
  const client = new MadeUp()
  const link = new RedisLink({ config, clock, open: () => client as unknown as Client, onState: () => {} })
  link.start()
  return { clock, client, link }
}

test('commands time out when they are due, the time in the queue and extra time included', async () => {
  const { clock, client, link } = linked()
  const startMs = clock.monotonic()
  const ended: [string, number][] = []
  const run = (name: string, extraMs = 0) =>
    void codeOf(link.call([name], false, extraMs)).then((code) => ended.push([code, clock.monotonic() - startMs]))
  run('QUEUED')
  await clock.advance(50)
  client.emit('ready')
  run('SENT')
  run('BLOCKS', 1_000)
  await clock.advance(5_000)
  expect(client.sent.flat()).toEqual(['QUEUED', 'SENT', 'BLOCKS'])
  expect(ended).toEqual([
    ['REDIS_TIMEOUT', 200],
    ['REDIS_TIMEOUT', 250],
    ['REDIS_TIMEOUT', 1_250],
  ])
  expect([link.pending, link.queued, clock.pending]).toEqual([0, 0, 0])
  // What is answered late changes nothing.
  for (const { resolve } of client.answers) resolve('late')
  await clock.advance(0)
  expect(link.pending).toBe(0)
})

test('stopped, it settles what is queued and what is sent, and leaves no timer', async () => {
  for (const isReady of [false, true]) {
    const { clock, client, link } = linked()
    if (isReady) client.emit('ready')
    const commands = [link.call(['GET', 'a']), link.call(['BLPOP', 'b'], false, 60_000)].map(codeOf)
    link.stop()
    expect(await Promise.all(commands)).toEqual(['REDIS_UNAVAILABLE', 'REDIS_UNAVAILABLE'])
    expect([link.pending, link.queued, clock.pending]).toEqual([0, 0, 0])
    expect(await codeOf(link.call(['GET', 'a']))).toBe('REDIS_UNAVAILABLE')
  }
})

test('a client that throws instead of answering fails that command, those queued after it are sent', async () => {
  const { client, link } = linked()
  const thrown = [codeOf(link.call(['THROW'])), codeOf(link.call(['GET', 'a']))]
  client.emit('ready')
  thrown.push(codeOf(link.call(['THROW'])))
  client.answers[0]!.resolve('b')
  expect(await Promise.all(thrown)).toEqual(['REDIS_UNAVAILABLE', 'ok', 'REDIS_UNAVAILABLE'])
  expect(link.pending).toBe(0)
})

test('after the stop no connection is made, not for a blocking command either', async () => {
  const opened: string[] = []
  const connections = new RedisConnections({
    config,
    clock: testClock(),
    log: {} as Logger,
    onState: () => {},
    connector: async () => (name) => {
      opened.push(name)
      return new MadeUp() as unknown as Client
    },
  })
  await connections.start()
  connections.stop()
  expect(await codeOf(connections.blocking(1_000, 'BLPOP', 'list', 1))).toBe('REDIS_UNAVAILABLE')
  expect(opened).toEqual(['commands', 'subscriber'])
})

test('each new state is passed on once; a PING closes the breaker while nobody runs commands', async () => {
  const clock = testClock()
  const client = new MadeUp()
  const logged: unknown[] = []
  const connections = new RedisConnections({
    config,
    clock,
    log: { error: (message: string) => logged.push(message) } as unknown as Logger,
    onState: () => {},
    connector: async () => () => client as unknown as Client,
  })
  const states: string[] = []
  connections.onState(() => {
    throw new Error('a fault of the callback')
  })
  const stop = connections.onState((state) => states.push(state))
  await connections.start()
  client.emit('error', new Error('refused'))
  client.emit('error', new Error('refused'))
  client.emit('ready')
  client.emit('close')
  client.emit('ready')
  const calls = ['A', 'B', 'C'].map((name) => codeOf(connections.call(name)))
  await clock.advance(200)
  expect(await Promise.all(calls)).toEqual(Array(3).fill('REDIS_TIMEOUT'))
  expect(states).toEqual(['down', 'ready', 'connecting', 'ready', 'open'])
  expect(logged).toHaveLength(5)
  // The first PING is not answered, the second is.
  await clock.advance(2_000 + 200)
  expect(connections.stats().state).toBe('open')
  await clock.advance(2_000)
  expect(client.sent.flat()).toEqual(['A', 'B', 'C', 'PING', 'PING'])
  client.answers.at(-1)!.resolve('PONG')
  await clock.advance(0)
  expect(states.at(-1)).toBe('ready')
  stop()
  client.emit('close')
  connections.stop()
  await clock.advance(60_000)
  expect(client.sent).toHaveLength(5)
  expect(states).toHaveLength(6)
})
