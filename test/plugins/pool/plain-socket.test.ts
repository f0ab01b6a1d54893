/** The socket that carries statements without TLS. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { PlainSocket } from '../../../plugins/pool/drivers/plain-socket.ts'
import { type Instance, privatePostgres } from '../../support/services.ts'
import { eventually, realPool } from './real-pool.ts'

// A server is started.
setDefaultTimeout(30_000)

let server: Instance
beforeAll(async () => {
  server = await privatePostgres()
})
afterAll(() => server?.stop())

const never = new AbortController().signal

/** @returns both ends of a connection */
async function connected(accepted: (peer: Socket) => void = () => {}) {
  const listener: Server = createServer({ allowHalfOpen: true }, accepted).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const coming = once(listener, 'connection') as Promise<[Socket]>
  const { port } = listener.address() as { port: number }
  const socket = await PlainSocket.connect({ host: '127.0.0.1', port }, never)
  const [peer] = await coming
  return { socket, peer, stop: () => listener.close() }
}

test('what the system does not take at once is sent in order when the other side reads again', async () => {
  const { socket, peer, stop } = await connected((arrived) => arrived.pause())
  const parts = Array.from({ length: 40 }, (_, index) => Buffer.alloc(500_000, index))
  let told = 0
  const taken = parts.map((part) => socket.write(part, () => (told += 1)))
  expect([taken[0], taken.at(-1)]).toEqual([true, false])
  const drained = once(socket, 'drain')
  const received: Buffer[] = []
  peer.on('data', (bytes: Buffer) => received.push(bytes)).resume()
  await drained
  expect(told).toBe(40)
  socket.end(Buffer.from('end'))
  await once(peer, 'end')
  expect(Buffer.concat(received).equals(Buffer.concat([...parts, Buffer.from('end')]))).toBe(true)
  peer.destroy()
  stop()
})

test('it is closed at once though the other side is silent, and takes nothing more', async () => {
  const { socket, peer, stop } = await connected((arrived) => arrived.pause())
  while (socket.write(Buffer.alloc(1_000_000)));
  const closed = once(socket, 'close')
  socket.destroySoon()
  expect(await closed).toEqual([false])
  expect(socket.readyState).toBe('closed')
  expect(socket.write(Buffer.from('late'))).toBe(false)
  peer.destroy()
  stop()
})

test('a connection that the other side resets is an error with its code, then closed', async () => {
  const { socket, peer, stop } = await connected()
  const seen: unknown[] = []
  socket.on('error', ({ code }) => seen.push(code))
  socket.on('close', (hadError) => seen.push(hadError))
  peer.resetAndDestroy()
  await eventually(() => seen.length === 2)
  expect(seen).toEqual(['ECONNRESET', true])
  stop()
})

test('nobody there is an error with its code; what is given up on its way is closed when it comes', async () => {
  const refused = PlainSocket.connect({ host: '127.0.0.1', port: 1 }, never)
  expect(await refused.catch(({ code }) => code)).toBe('ECONNREFUSED')
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const ended = Promise.withResolvers<void>()
  listener.on('connection', (peer) => peer.on('error', () => {}).on('close', () => ended.resolve()))
  const giveUp = new AbortController()
  const { port } = listener.address() as { port: number }
  const connecting = PlainSocket.connect({ host: '127.0.0.1', port }, giveUp.signal)
  giveUp.abort(new Error('given up'))
  expect(await connecting.catch(({ message }) => message)).toBe('given up')
  await ended.promise
  listener.close()
})

test('large values go there and back, and tables by COPY both ways', async () => {
  const { pool, end } = await realPool(server.url, { driver: 'postgres', settings: { size: 1, maxOverflow: 0 } })
  const text = 'arkwatch '.repeat(2_000_000)
  const [row] = await pool.query<{ text: string }>('SELECT $1::text AS text', [text])
  expect(row!.text === text).toBe(true)
  const session = await pool.reserve()
  await session.query('CREATE TEMP TABLE copied (line text)')
  const raw = session.raw as unknown as (strings: TemplateStringsArray) => {
    writable(): Promise<import('node:stream').Writable>
    readable(): Promise<import('node:stream').Readable>
  }
  const line = `${'x'.repeat(9_999)}\n`
  const writable = await raw`COPY copied FROM STDIN`.writable()
  for (let count = 0; count < 1_000; count += 1) if (!writable.write(line)) await once(writable, 'drain')
  writable.end()
  await once(writable, 'finish')
  let bytes = 0
  for await (const chunk of await raw`COPY copied TO STDOUT`.readable()) bytes += (chunk as Buffer).length
  expect(bytes).toBe(line.length * 1_000)
  await session.release()
  await end()
})
