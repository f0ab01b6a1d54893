import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blackHole, runOnce, until } from './support.ts'

const aborted = () => AbortSignal.timeout(300)

describe('http', () => {
  let server: ReturnType<typeof Bun.serve>
  beforeAll(() => {
    server = Bun.serve({
      port: 0,
      fetch(request) {
        const { pathname } = new URL(request.url)
        if (pathname === '/moved') return Response.redirect('/')
        if (pathname === '/key') return new Response(null, { status: request.headers.get('x-key') === 'k' ? 200 : 401 })
        if (pathname === '/big') return new Response(`${'x'.repeat(65_536)}needle`)
        return new Response('all is well', { status: pathname === '/' ? 200 : 404 })
      },
    })
  })
  afterAll(() => server.stop(true))

  test.each([
    ['/', {}, 'up', undefined],
    ['/', { bodyContains: 'is well' }, 'up', undefined],
    ['/', { bodyContains: 'is ill' }, 'down', 'body does not hold the expected text'],
    ['/big', { bodyContains: 'needle' }, 'down', 'body does not hold the expected text'],
    ['/none', {}, 'down', 'status 404, expected 2xx'],
    ['/none', { status: ['2xx', 404] }, 'up', undefined],
    ['/moved', {}, 'down', 'status 302, expected 2xx'],
    ['/moved', { followRedirects: true }, 'up', undefined],
    ['/key', { headers: { 'x-key': 'k' } }, 'up', undefined],
    ['/key', {}, 'down', 'status 401, expected 2xx'],
    ['/', { method: 'HEAD' }, 'up', undefined],
    ['/', { conditions: ['[STATUS] == 200', '[BODY] == pat(*well)'] }, 'up', undefined],
    ['/none', { conditions: ['[STATUS] == any(404, 410)'] }, 'up', undefined],
    ['/none', { conditions: ['[BODY] == pat(*well)'] }, 'down', 'status 404, expected 2xx'],
    [
      '/',
      { conditions: ['[RESPONSE_TIME] < 1h', '[STATUS] < 200'] },
      'down',
      'condition failed: [STATUS] < 200, got 200',
    ],
    ['/', { degradedConditions: ['len([BODY]) > 99'] }, 'degraded', 'condition failed: len([BODY]) > 99, got 11'],
    [
      '/',
      { conditions: ['[STATUS] == 1'], degradedConditions: ['[STATUS] == 2'] },
      'down',
      'condition failed: [STATUS] == 1, got 200',
    ],
  ])('%s with %j is %s', async (path, options, status, message) => {
    const result = await runOnce({ kind: 'http', url: new URL(path, server.url).href, ...options })
    expect([result.status as string, result.message]).toEqual([status, message])
  })

  test('a token in the query does not show when the request fails', async () => {
    const result = await runOnce({ kind: 'http', url: 'http://127.0.0.1:1/?token=canary-77' })
    expect(result.status).toBe('down')
    expect(JSON.stringify(result)).not.toContain('canary-77')
  })

  test('an abort ends the request and its connection', async () => {
    const hole = await blackHole()
    const running = runOnce({ kind: 'http', url: `http://127.0.0.1:${hole.port}/` }, aborted())
    await until(() => hole.open() === 1, 2_000)
    expect((await running).status).toBe('down')
    await until(() => hole.open() === 0, 2_000)
    hole.close()
  })
})

describe('tcp', () => {
  test('is up where someone accepts, down where nobody listens', async () => {
    const hole = await blackHole()
    expect((await runOnce({ kind: 'tcp', port: hole.port })).status).toBe('up')
    await until(() => hole.open() === 0, 2_000)
    hole.close()
    expect(await runOnce({ kind: 'tcp', port: 1 })).toMatchObject({
      status: 'down',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })
})

describe('dns', () => {
  const udp = createSocket('udp4')
  let silent = false
  beforeAll(async () => {
    // A server that knows one address: the question comes back with one A record, 10.1.2.3, or with NXDOMAIN.
    udp.on('message', (question, { port, address }) => {
      if (silent) return
      const isKnown = question.includes('known')
      const end = question.indexOf(0, 12) + 5
      const head = Buffer.from(question.subarray(0, end))
      head.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2)
      head.writeUInt16BE(isKnown ? 1 : 0, 6)
      head.writeUInt16BE(0, 10)
      const record = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 1, 2, 3])
      udp.send(isKnown ? Buffer.concat([head, record]) : head, port, address)
    })
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
  })
  afterAll(() => udp.close())
  const ask = (options: object, signal?: AbortSignal) =>
    runOnce({ kind: 'dns', server: `127.0.0.1:${udp.address().port}`, ...options }, signal)

  test('is up with the expected answer and down without it or without any', async () => {
    expect(await ask({ host: 'known.example', expect: ['10.1.2.3'] })).toMatchObject({
      status: 'up',
      details: { answers: 1 },
    })
    expect(await ask({ host: 'known.example', expect: ['10.9.9.9'] })).toMatchObject({
      status: 'down',
      message: 'answers lack 10.9.9.9; seen 10.1.2.3',
    })
    expect(await ask({ host: 'other.example' })).toMatchObject({
      status: 'down',
      message: expect.stringContaining('ENOTFOUND'),
    })
  })

  test('an abort ends a question that nobody answers', async () => {
    silent = true
    expect((await ask({ host: 'known.example', timeout: '30s' }, aborted())).status).toBe('down')
    silent = false
  })
})

describe('tls', () => {
  const openssl = Bun.which('openssl')
  const dir = mkdtempSync(join(process.env.ARKWATCH_TEST_DATA_DIR ?? tmpdir(), 'tls-'))
  const pem = (name: string) => join(dir, `${name}.pem`)
  const make = (days: number) => {
    const command = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      String(days),
    ]
    const names = [
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      pem('key'),
      '-out',
      pem('cert'),
    ]
    return Bun.spawnSync([openssl!, ...command, ...names]).exitCode
  }
  const serve = () =>
    Bun.serve({
      port: 0,
      tls: { key: Bun.file(pem('key')), cert: Bun.file(pem('cert')) },
      fetch: () => new Response('ok'),
    })

  test.skipIf(openssl === null)('tells the remaining validity, and whether it is trusted', async () => {
    expect(make(60)).toBe(0)
    const server = serve()
    const target = { kind: 'tls', host: 'localhost', port: server.port }
    expect(await runOnce(target)).toMatchObject({ status: 'down', message: expect.stringContaining('not trusted') })
    const trusted = await runOnce({ ...target, caFile: pem('cert') })
    expect(trusted).toMatchObject({ status: 'up', details: { ageDays: 0 } })
    expect(trusted.details!.expiresInDays).toBeCloseTo(60, 0)
    expect((await runOnce({ ...target, verify: false })).status).toBe('up')
    expect((await runOnce({ ...target, verify: false, degradedBelow: '90d' })).status).toBe('degraded')
    const http = { kind: 'http', url: `https://localhost:${server.port}/` }
    expect((await runOnce(http)).status).toBe('down')
    expect((await runOnce({ ...http, tlsCaFile: pem('cert') })).status).toBe('up')
    expect((await runOnce({ ...http, tlsVerify: false })).status).toBe('up')
    const expiring = { ...http, tlsVerify: false, degradedConditions: ['[CERTIFICATE_EXPIRATION] > 90d'] }
    expect(await runOnce(expiring)).toMatchObject({
      status: 'degraded',
      message: expect.stringMatching(/CERTIFICATE_EXPIRATION\] > 90d, got 14[34]\d\.\d h$/),
    })
    server.stop(true)
  })

  test('an abort ends a handshake that nobody answers', async () => {
    const hole = await blackHole()
    const running = runOnce({ kind: 'tls', host: '127.0.0.1', port: hole.port }, aborted())
    await until(() => hole.open() === 1, 2_000)
    expect((await running).status).toBe('down')
    await until(() => hole.open() === 0, 2_000)
    hole.close()
  })

  test('a file of authorities that is missing is told', async () => {
    writeFileSync(join(dir, 'empty'), '')
    expect(await runOnce({ kind: 'tls', host: 'localhost', port: 1, caFile: pem('none') })).toMatchObject({
      status: 'down',
      message: expect.stringContaining('ENOENT'),
    })
  })
})

describe('this machine', () => {
  test('disk reads the file system of a path', async () => {
    expect(await runOnce({ kind: 'disk', path: '/', degradedAbove: 1, downAbove: 1 })).toMatchObject({
      status: 'up',
      details: { totalBytes: expect.any(Number) },
    })
    expect(await runOnce({ kind: 'disk', path: '/no/such/path' })).toMatchObject({
      status: 'down',
      message: expect.stringContaining('ENOENT'),
    })
  })

  test('process finds one by pid file and by name, and says when it is gone', async () => {
    const child = Bun.spawn(['sleep', '60'])
    const pidFile = join(mkdtempSync(join(tmpdir(), 'pid-')), 'pid')
    writeFileSync(pidFile, `${child.pid}\n`)
    expect(await runOnce({ kind: 'process', pidFile })).toMatchObject({ status: 'up', details: { pid: child.pid } })
    expect((await runOnce({ kind: 'process', name: 'sleep' })).status).toBe('up')
    child.kill('SIGSTOP')
    await until(async () => (await runOnce({ kind: 'process', pidFile })).status === 'degraded', 2_000)
    child.kill('SIGKILL')
    await child.exited
    await until(async () => (await runOnce({ kind: 'process', pidFile })).status === 'down', 2_000)
    rmSync(pidFile)
    Bun.spawnSync(['mkfifo', pidFile])
    expect(await runOnce({ kind: 'process', pidFile })).toMatchObject({
      status: 'down',
      message: `${pidFile} is not a regular file`,
    })
    rmSync(pidFile)
    writeFileSync(pidFile, 'nonsense')
    expect(await runOnce({ kind: 'process', pidFile })).toMatchObject({
      status: 'down',
      message: `${pidFile} holds no pid`,
    })
    expect((await runOnce({ kind: 'process', name: 'no-such-process' })).status).toBe('down')
  })

  test('the event loop is read from core', async () => {
    expect(await runOnce({ kind: 'eventLoop' })).toEqual({ status: 'up', details: { p50Ms: 1, p99Ms: 3, maxMs: 4 } })
  })
})
