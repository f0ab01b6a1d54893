import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { freePort, type Instance, privateRedis } from '../../support/services.ts'
import { codeOf, open, until } from './support.ts'

// A server is started, and hands are shaken.
setDefaultTimeout(30_000)

const names = [{ name: 'commonName', value: 'localhost' }]
const localhost = { name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: 'localhost' }] }
const authority = { name: 'basicConstraints' as const, cA: true }

let dir: string
let server: Instance
let tlsPort: number
let ca: Awaited<ReturnType<typeof generate>>
let client: Awaited<ReturnType<typeof generate>>

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'redis-tls-'))
  chmodSync(dir, 0o755)
  ca = await generate([{ name: 'commonName', value: 'test authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [authority],
  })
  const signedBy = { key: ca.private, cert: ca.cert }
  const own = await generate(names, { keyType: 'ec', algorithm: 'sha256', ca: signedBy, extensions: [localhost] })
  client = await generate([{ name: 'commonName', value: 'client' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: signedBy,
  })
  for (const [file, text] of Object.entries({ 'ca.pem': ca.cert, 'cert.pem': own.cert, 'key.pem': own.private }))
    writeFileSync(join(dir, file), text, { mode: 0o644 })
  tlsPort = await freePort()
  server = await privateRedis({
    args: [
      ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'yes'],
      ...['--tls-cert-file', join(dir, 'cert.pem'), '--tls-key-file', join(dir, 'key.pem')],
      ...['--tls-ca-cert-file', join(dir, 'ca.pem')],
    ],
  })
})
afterAll(async () => {
  await server.stop()
  rmSync(dir, { recursive: true })
})

const url = () => `rediss://localhost:${tlsPort}/0`

/** No timeout of a command is tested here, so a busy machine must not cause one. */
const openPatiently = (at: string, options = {}) => open(at, { commandTimeout: '5s', ...options })

describe('redis over TLS', () => {
  test('commands, messages and blocking commands are encrypted, with the certificates of both sides verified', async () => {
    using redis = await openPatiently(url(), { tls: { ca: ca.cert, cert: client.cert, key: client.private } })
    const { connections } = redis
    expect(await connections.call('SET', 'a', 'b')).toBe('OK')
    const seen: string[] = []
    let subscribed = false
    connections.onSubscribed(() => {
      subscribed = true
    })
    connections.subscribe('news', (message) => seen.push(message))
    await until(() => subscribed)
    await connections.call('PUBLISH', 'news', 'one')
    await until(() => seen.length === 1)
    await connections.call('RPUSH', 'list', 'x')
    expect(await connections.blocking<string[]>(1_000, 'BLPOP', 'list', 1)).toEqual(['list', 'x'])
    // Only the test's own look at the server goes over the plain port.
    using plain = await openPatiently(server.url)
    const clients = await plain.connections.call<string>('CLIENT', 'LIST')
    expect(clients.match(/name=arkwatch-/g)!.length).toBeGreaterThanOrEqual(3)
  })

  test('a certificate that cannot be verified, of another name, or missing is a refusal that says so', async () => {
    const both = { cert: client.cert, key: client.private }
    const wrong: [RegExp, Record<string, unknown>, string?][] = [
      [/certificate/i, { ...both }],
      [/altname|does not match|hostname/i, { ...both, ca: ca.cert }, `rediss://127.0.0.1:${tlsPort}/0`],
      [/./, { ca: ca.cert }],
    ]
    for (const [reason, tls, at = url()] of wrong) {
      using redis = await openPatiently(at, { tls })
      await until(() => redis.states.some((state) => state !== undefined))
      expect(await codeOf(redis.connections.call('PING'))).toBe('REDIS_UNAVAILABLE')
      expect(redis.states.join()).toMatch(reason)
      expect(redis.states.join()).not.toContain('PRIVATE KEY')
    }
    using named = await openPatiently(`rediss://127.0.0.1:${tlsPort}/0`, {
      tls: { ...both, ca: ca.cert, serverName: 'localhost' },
    })
    expect(await named.connections.call('PING')).toBe('PONG')
    using trusting = await openPatiently(url(), { tls: { ...both, verify: false } })
    expect(await trusting.connections.call('PING')).toBe('PONG')
  })

  test('recovers by itself after the server was killed', async () => {
    using redis = await openPatiently(url(), { tls: { ca: ca.cert, cert: client.cert, key: client.private } })
    await redis.connections.call('PING')
    await server.kill9()
    await until(() => redis.connections.stats().state === 'down')
    await server.restart()
    await until(async () => (await codeOf(redis.connections.call('PING'))) === 'ok')
  })
})
