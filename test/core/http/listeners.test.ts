import { afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { messageOf } from '../../../core/contract/errors.ts'
import { createListeners, type OpenOptions } from '../../../core/http/listeners.ts'
import { listeningInodes, portHolder } from '../../../core/http/port-holder.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { freePort } from '../../support/services.ts'
import { observedPath } from './support.ts'

const { log, lines } = observedPath()
const clock = testClock()
const listeners = createListeners({ log, clock })
const open = (options: Partial<OpenOptions> = {}) =>
  listeners.open({
    name: 'server',
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1_000,
    maxUrlLength: 200,
    fetch: async (request) => new Response(`got ${(await request.text()).length}`),
    ...options,
  })

afterEach(async () => {
  await listeners.close(0)
  lines.length = 0
})

/** Sends raw bytes and gives everything that comes back until the server closes. */
const raw = (url: string, parts: readonly string[]) =>
  new Promise<string>((resolve) => {
    const { hostname, port } = new URL(url)
    let received = ''
    const socket = connect(Number(port), hostname)
    socket.on('data', (data) => {
      received += data
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(received))
    for (const part of parts) socket.write(part)
  })

const head = (text: string) => text.split('\r\n')[0]

test('a listener tells its address and its name, and is gone when closed', async () => {
  const listener = await open({ name: 'metrics' })
  expect(listeners.list()).toEqual([{ name: 'metrics', url: listener.url }])
  expect(await (await fetch(listener.url)).text()).toBe('got 0')
  await listener.close()
  expect(listeners.list()).toEqual([])
  await expect(fetch(listener.url)).rejects.toThrow()
})

describe('a port that cannot be had is LISTEN_FAILED', () => {
  test('with what holds it, where it is in use', async () => {
    const { url } = await open()
    const port = Number(new URL(url).port)
    const failure = await open({ port }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'LISTEN_FAILED', details: { host: '127.0.0.1', port } })
    expect((failure as Error).message).toContain(`127.0.0.1:${port}: the port is in use`)
    expect((failure as Error).message).toContain(
      '(held by the listener server of this process; a reload opens before it closes: free the port in an earlier reload)',
    )
    using foreign = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    const held = await open({ port: foreign.port }).catch(messageOf)
    if (process.platform === 'linux') expect(held).toContain(`pid ${process.pid}; a reload opens before`)
  })

  test('where a file that is not a socket has the path of a socket, and the file stays', async () => {
    const unix = join(mkdtempSync(join(tmpdir(), 'arkwatch-listen-')), 'store.db')
    writeFileSync(unix, 'rows')
    expect(await open({ unix }).catch(messageOf)).toContain('is not a socket')
    expect(readFileSync(unix, 'utf8')).toBe('rows')
  })

  const bad: [Partial<OpenOptions>, string][] = [
    [{ host: '203.0.113.1' }, 'does not have the address'],
    [{ port: 70_000 }, 'a port is a whole number'],
    [{ port: 1.5 }, 'a port is a whole number'],
  ]
  for (const [options, text] of bad) {
    test(JSON.stringify(options), async () => {
      const failure = await open(options).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'LISTEN_FAILED', message: expect.stringContaining(text) })
    })
  }
})

describe('requests over limits', () => {
  test('a body that says it is too large is 413', async () => {
    const { url } = await open()
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(1_000) })).status).toBe(200)
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(1_001) })).status).toBe(413)
  })

  test('a chunked body that grows too large is 413', async () => {
    const { url } = await open()
    const chunk = `3e8\r\n${'x'.repeat(1_000)}\r\n`
    const answer = await raw(url, [
      `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`,
    ])
    expect(head(answer)).toContain('413')
  })

  test('a long URL is 414, as a problem', async () => {
    const { url } = await open()
    expect((await fetch(`${url}/${'u'.repeat(100)}`)).status).toBe(200)
    const response = await fetch(`${url}/${'u'.repeat(200)}`)
    expect(response.status).toBe(414)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ title: 'URI too long', status: 414 })
  })

  test('too large and too many headers are 431', async () => {
    const { url } = await open()
    const large = await raw(url, [`GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(70_000)}\r\n\r\n`])
    const many = Array.from({ length: 300 }, (_, at) => `x${at}: 1\r\n`).join('')
    expect(head(large)).toContain('431')
    expect(head(await raw(url, [`GET / HTTP/1.1\r\nhost: a\r\n${many}\r\n`]))).toContain('431')
  })

  test('after all of them the listener still answers', async () => {
    const { url } = await open()
    await raw(url, ['\0\x01nonsense\r\n\r\n'])
    await fetch(url, { method: 'POST', body: 'x'.repeat(5_000) })
    expect((await fetch(url)).status).toBe(200)
  })
})

test('a handler that throws is a problem without its message, and a log line', async () => {
  const { url } = await open({
    fetch: () => {
      throw new Error('password=hunter2')
    },
  })
  const response = await fetch(url)
  expect(await response.json()).toEqual({ type: 'about:blank', title: 'Internal server error', status: 500 })
  expect(lines).toMatchObject([{ level: 'error', message: 'a request handler threw' }])
})

describe('closing', () => {
  const held = async () => {
    const entered = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const listener = await open({
      fetch: async () => {
        entered.resolve()
        await release.promise
        return new Response('late')
      },
    })
    const answer = fetch(listener.url).then(
      (response) => response.text(),
      () => 'cut off',
    )
    await entered.promise
    return { listener, answer, release }
  }

  test('waits for requests under way, and takes no new ones', async () => {
    const { listener, answer, release } = await held()
    const closed = listener.close(5_000)
    await expect(fetch(listener.url)).rejects.toThrow()
    release.resolve()
    expect(await answer).toBe('late')
    await closed
  })

  test('cuts off what is still under way when the time is over', async () => {
    const { listener, answer } = await held()
    const closed = listener.close(5_000)
    await clock.advance(5_000)
    await closed
    expect(await answer).toBe('cut off')
  })

  test('ends the wait when told to', async () => {
    const { answer } = await held()
    const now = new AbortController()
    const closed = listeners.close(5_000, now.signal)
    now.abort()
    await closed
    expect(await answer).toBe('cut off')
  })

  test('of all waits for one that drains already, not longer than for the others', async () => {
    for (const isInTime of [true, false]) {
      const { listener, answer, release } = await held()
      const drained = listener.close(3_600_000)
      const closed = listeners.close(5_000)
      if (isInTime) release.resolve()
      else await clock.advance(5_000)
      await Promise.all([drained, closed])
      expect(await answer).toBe(isInTime ? 'late' : 'cut off')
    }
  })

  test('leaves no timer behind', () => expect(clock.pending).toBe(0))
})

test('the holder of a port is read from /proc', async () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0`
  expect(listeningInodes(table, 8080)).toEqual(['4711'])
  expect(listeningInodes(table, 8081)).toEqual([])
  expect(await portHolder(1)).toBeUndefined()
})

test('a handler gets the server, which knows the peer', async () => {
  const listener = await open({ fetch: (request, server) => new Response(server.requestIP(request)?.address) })
  expect(await (await fetch(listener.url)).text()).toBe('127.0.0.1')
})

test('a Unix socket is for its owner alone, and takes over a socket left behind', async () => {
  const unix = join(mkdtempSync(join(tmpdir(), 'arkwatch-unix-')), 'admin.sock')
  const dead = Bun.serve({ unix: `${unix}.dead`, fetch: () => new Response() })
  renameSync(`${unix}.dead`, unix)
  await dead.stop()
  const listener = await open({ unix })
  expect(listener.url).toBe(`unix:${unix}`)
  expect(statSync(unix).mode & 0o777).toBe(0o600)
  expect(await (await fetch('http://localhost/', { unix })).text()).toBe('got 0')
})

describe('a shared port', () => {
  test('passes from one listener to the next without a request refused', async () => {
    const first = await open({ shared: true, fetch: () => new Response('first') })
    const port = Number(new URL(first.url).port)
    const second = await open({ shared: true, port, fetch: () => new Response('second') })
    await first.close(1_000)
    for (let turn = 0; turn < 20; turn += 1) {
      expect(await (await fetch(second.url, { keepalive: false })).text()).toBe('second')
    }
  })

  test('is not shared with another program', async () => {
    const port = freePort()
    const holder = Bun.spawn(
      [
        process.execPath,
        '-e',
        `Bun.serve({ port: ${port}, hostname: '127.0.0.1', reusePort: true, fetch: () => new Response('x') }); console.log('up')`,
      ],
      { stdout: 'pipe' },
    )
    await holder.stdout.getReader().read()
    const outcome = await open({ shared: true, port }).then(
      () => 'opened',
      (error) => error.code,
    )
    holder.kill()
    await holder.exited
    expect(outcome).toBe('LISTEN_FAILED')
  })
})

test('a listener with a certificate speaks TLS', async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }])
  const listener = await open({ tls: { key, cert } })
  expect(listener.url).toStartWith('https://')
  expect(await (await fetch(listener.url, { tls: { rejectUnauthorized: false } })).text()).toBe('got 0')
  const broken = `${cert}\n${cert.slice(0, 100)}`
  await expect(open({ tls: { key, cert: broken } })).rejects.toThrow('the certificate and its key cannot be used: ')
})
