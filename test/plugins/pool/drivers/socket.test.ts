/** The sockets that the pool gives to postgres.js, and statements over them. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { systemClock } from '../../../../core/process/clock.ts'
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

test('it is closed immediately though the other side is silent', async () => {
  const listener = createServer((peer) => peer.pause()).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const sockets = new ClientSockets()
  const { port } = listener.address() as { port: number }
  const socket = await sockets.make({ host: ['127.0.0.1'], port: [port] })
  while (socket.write(Buffer.alloc(1_000_000)));
  const closed = once(socket, 'close')
  sockets.close()
  expect(await closed).toEqual([false])
  listener.close()
})

test('nobody there is an error with its code; what is given up on its way is closed when it comes', async () => {
  const to = (port: number) => ({ host: ['127.0.0.1'], port: [port] })
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
  const connecting = sockets.make({ host: ['127.0.0.1'], port: [port] })
  expect(await eventually(async () => (await attempts(port)) === 1)).toBe(true)
  sockets.close()
  expect(await connecting.catch(({ message }) => message)).toBe('the connection was closed')
  expect(await eventually(async () => (await attempts(port)) === 0)).toBe(true)
  for (const each of fill) each.destroy()
  full.kill('SIGKILL')
})

test('a socket knows its host and port, as the errors of the client say', async () => {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  const sockets = new ClientSockets()
  expect(await sockets.make({ host: ['localhost'], port: [port] })).toMatchObject({ host: 'localhost', port })
  sockets.close()
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
  expect(codeOf(problem)).toMatch(/^(CONNECTION_CLOSED|ECONNRESET|ERR_SOCKET_CLOSED)$/)
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
