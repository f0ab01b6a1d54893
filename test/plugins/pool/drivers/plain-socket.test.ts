/** The socket that carries statements without TLS. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { systemClock } from '../../../../core/process/clock.ts'
import { PlainSocket } from '../../../../plugins/pool/drivers/plain-socket.ts'
import { ClientSockets } from '../../../../plugins/pool/drivers/socket.ts'
import { type Instance, privatePostgres } from '../../../support/services.ts'
import { codeOf, eventually, outcome, realPool } from '../real-pool.ts'

// Sockets connect, and carry data, in real time.

// A server is started.
setDefaultTimeout(30_000)

let server: Instance
beforeAll(async () => {
  server = await privatePostgres()
})
afterAll(() => server?.stop())

/** @returns both ends of a connection */
async function connected(accepted: (peer: Socket) => void = () => {}) {
  const listener: Server = createServer({ allowHalfOpen: true }, accepted).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const coming = once(listener, 'connection') as Promise<[Socket]>
  const { port } = listener.address() as { port: number }
  const dialled = connect(port, '127.0.0.1')
  const { promise, resolve } = Promise.withResolvers<PlainSocket>()
  dialled.once('connect', () => resolve(PlainSocket.over(dialled)!))
  const [socket, [peer]] = await Promise.all([promise, coming])
  return { socket, peer, stop: () => listener.close() }
}

test('it takes over one socket of node:net and no other, and none that has no socket of Bun below it', async () => {
  const { socket, peer, stop } = await connected()
  const echo = createServer((arrived) => arrived.pipe(arrived)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const other = connect((echo.address() as { port: number }).port, '127.0.0.1')
  await once(other, 'connect')
  const heard = [once(socket, 'data'), once(other, 'data')]
  peer.write('to the one')
  other.write('to the other')
  expect((await Promise.all(heard)).map(([bytes]) => String(bytes))).toEqual(['to the one', 'to the other'])
  expect(PlainSocket.over({} as Socket)).toBeUndefined()
  other.destroy()
  echo.close()
  socket.destroy()
  stop()
})

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
  const to = (port: number) => ({ host: ['127.0.0.1'], port: [port], ssl: false })
  expect(await new ClientSockets().make(to(1)).catch(codeOf)).toBe('ECONNREFUSED')
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  listener.on('connection', (peer) => peer.on('error', () => {}))
  const sockets = new ClientSockets()
  const connecting = sockets.make(to((listener.address() as { port: number }).port))
  sockets.close()
  expect(await connecting.catch(({ message }) => message)).toBe('the connection was closed')
  // The system may have made it all the same.
  const count = () => new Promise<number>((resolve) => listener.getConnections((_, number) => resolve(number)))
  await systemClock.sleep(20)
  expect(await eventually(async () => (await count()) === 0)).toBe(true)
  listener.close()
})

/** @returns how many sockets of this machine still wait for the answer of `port` */
async function attempts(port: number): Promise<number> {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')} 02`
  return (await Bun.file('/proc/net/tcp').text()).split('\n').filter((line) => line.includes(remote)).length
}

test('an attempt that the other side does not even accept is gone when it is given up', async () => {
  const script = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })`
  const full = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  const { value } = await full.stdout.getReader().read()
  const port = Number(new TextDecoder().decode(value))
  process.kill(full.pid, 'SIGSTOP')
  // The system accepts as many as its backlog has room for.
  const fill = Array.from({ length: 520 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  expect(await eventually(async () => (await attempts(port)) > 0)).toBe(true)
  for (const each of fill) if (each.connecting) each.destroy()
  expect(await eventually(async () => (await attempts(port)) === 0)).toBe(true)
  const sockets = new ClientSockets()
  const connecting = sockets.make({ host: ['127.0.0.1'], port: [port], ssl: false })
  expect(await eventually(async () => (await attempts(port)) === 1)).toBe(true)
  sockets.close()
  expect(await connecting.catch(({ message }) => message)).toBe('the connection was closed')
  expect(await eventually(async () => (await attempts(port)) === 0)).toBe(true)
  for (const each of fill) each.destroy()
  full.kill('SIGKILL')
})

test('it tells of room to write only who was told to wait, not when it reads again', async () => {
  const { socket, peer, stop } = await connected()
  const seen: string[] = []
  for (const event of ['data', 'drain', 'close']) socket.on(event, () => seen.push(event))
  socket.pause()
  const heard = once(socket, 'data')
  peer.write('answer')
  await systemClock.sleep(50)
  socket.resume()
  await heard
  peer.end()
  expect(await eventually(() => seen.includes('close'))).toBe(true)
  expect(seen).toEqual(['data', 'close'])
  stop()
})

test('a listener that throws leaves nothing half read: it is an error, and closed', async () => {
  const { socket, peer, stop } = await connected()
  const seen: unknown[] = []
  socket.on('error', ({ message }) => seen.push(message))
  socket.on('close', () => seen.push('close'))
  socket.on('data', () => {
    throw new Error('cannot read it')
  })
  peer.write('answer')
  expect(await eventually(() => seen.length === 2)).toBe(true)
  expect(seen).toEqual(['cannot read it', 'close'])
  stop()
})

test('without TLS it is this socket, which knows where it goes, as the errors of the client say', async () => {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  for (const ssl of [false, undefined, 'prefer']) {
    const sockets = new ClientSockets()
    const socket = await sockets.make({ host: ['localhost'], port: [port], ssl })
    expect(socket instanceof PlainSocket).toBe(ssl !== 'prefer')
    expect(socket).toMatchObject({ host: 'localhost', port, destroyed: false })
    sockets.close()
  }
  listener.close()
})

type Cut = (client: Socket, answer: Buffer) => void

/** A way to the server that is cut at the first answer, or in the middle of a statement that is longer than a megabyte. */
async function proxy(target: number) {
  const state: { cut?: Cut | undefined } = {}
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect(target, '127.0.0.1')
    let sent = 0
    client.on('error', () => {}).on('close', () => upstream.destroy())
    client.on('end', () => client.destroy())
    client.on('data', (bytes: Buffer) => {
      sent += bytes.length
      upstream.write(bytes)
      if (sent > 1_000_000) state.cut?.(client.pause(), Buffer.alloc(0))
    })
    upstream
      .on('error', () => {})
      .on('data', (bytes: Buffer) => {
        if (state.cut === undefined || sent > 1_000_000) client.write(bytes)
        else state.cut(client, bytes)
      })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  return { state, port, stop: () => listener.close() }
}

const cuts: [string, Cut][] = [
  ['closes half', (client, answer) => client.end(answer.subarray(0, 7))],
  ['resets', (client) => client.resetAndDestroy()],
  ['closes', (client, answer) => client.write(answer.subarray(0, 7), () => client.destroy())],
]
test.each(cuts)(
  'a server that %s in the middle ends the statement, and the next has another connection',
  async (_, cut) => {
    const way = await proxy(Number(new URL(server.url).port))
    const url = Object.assign(new URL(server.url), { port: way.port }).href
    const { pool, end } = await realPool(url, { driver: 'postgres', settings: { size: 1, maxOverflow: 0 } })
    const echo = (text: string) => pool.query('SELECT length($1::text) AS length', [text])
    expect(await echo('known')).toEqual([{ length: 5 }])
    // While it is answered, then while it is sent.
    for (const text of ['x', 'x'.repeat(20_000_000)]) {
      expect(await echo('known')).toEqual([{ length: 5 }])
      way.state.cut = (client, answer) => {
        if (text.length > 1 && answer.length > 0) client.write(answer)
        else cut(client, answer)
      }
      expect(await outcome(echo(text))).toBe('POOL_CONNECTION_LOST')
      way.state.cut = undefined
    }
    expect(await echo('known')).toEqual([{ length: 5 }])
    await end()
    way.stop()
  },
)

test.each(cuts)('a server that %s in the middle of a COPY ends it with an error, and nothing else', async (_, cut) => {
  const way = await proxy(Number(new URL(server.url).port))
  const url = Object.assign(new URL(server.url), { port: way.port }).href
  const { pool, end } = await realPool(url, { driver: 'postgres', settings: { size: 1, maxOverflow: 0 } })
  const session = await pool.reserve()
  await session.query('CREATE TEMP TABLE copied (line text)')
  const raw = session.raw as unknown as (strings: TemplateStringsArray) => {
    writable(): Promise<import('node:stream').Writable>
  }
  const writable = await raw`COPY copied FROM STDIN`.writable()
  const failed = once(writable, 'error')
  way.state.cut = cut
  while (!writable.destroyed && writable.writableLength < 30_000_000) writable.write(`${'x'.repeat(99_999)}\n`)
  const [problem] = await failed
  expect(codeOf(problem)).toMatch(/^(CONNECTION_CLOSED|ECONNRESET)$/)
  way.state.cut = undefined
  await session.release()
  expect(await pool.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  await end()
  way.stop()
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
