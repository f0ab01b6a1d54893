import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { generate } from 'selfsigned'
import { hastyClock } from './hasty-clock.ts'
import { type AdminRuntime, adminKey, bootAdmin } from './support.ts'

// Certificates are made and files looked at again.
setDefaultTimeout(60_000)

let at: AdminRuntime | undefined
afterEach(async () => {
  await at?.stop()
  at = undefined
})
const folder = mkdtempSync(join(tmpdir(), 'arkwatch-listener-'))
const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
const writeCertificate = async (name: string) => {
  const pem = await generate([{ name: 'commonName', value: name }])
  writeFileSync(cert, pem.cert)
  writeFileSync(key, pem.private)
}
const urlOf = ({ runtime }: AdminRuntime) => runtime.status().listeners.find(({ name }) => name === 'admin')!.url
const tls = { rejectUnauthorized: false }
const ask = (path: string, init: BunFetchRequestInit = {}) =>
  fetch(`${urlOf(at!)}${path}`, { ...init, headers: { 'x-admin-key': adminKey, ...init.headers }, tls })

/** The name in the certificate that a new connection is shown. */
const shownName = () =>
  new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(urlOf(at!))
    const socket = connect({ host: hostname, port: Number(port), ...tls }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })

test('over TLS: a new certificate is shown to whoever comes, who is there stays, and a bad one changes nothing', async () => {
  await writeCertificate('first')
  at = await bootAdmin({ clock: hastyClock, admin: { listen: { port: 0, tls: { cert, key } } } })
  expect(urlOf(at)).toStartWith('https://')
  expect((await ask('/admin/status')).status).toBe(200)
  // It is nowhere else.
  expect((await at.send('/admin/status')).status).toBe(404)
  expect(await shownName()).toBe('first')

  const stream = (await ask('/admin/stream?topics=logs')).body!.getReader()
  const decoder = new TextDecoder()
  let text = ''
  const heard = async (pattern: RegExp) => {
    while (!pattern.test(text)) {
      const { done, value } = await stream.read()
      if (done) throw new Error(`the stream ended: ${text}`)
      text += decoder.decode(value)
    }
  }
  await heard(/event: hello/)
  const failures: unknown[] = []
  let over = false
  const load = (async () => {
    while (!over)
      await ask('/admin/session').then(
        ({ status }) => status === 200 || failures.push(status),
        (error) => failures.push(String(error)),
      )
  })()

  await writeCertificate('second')
  await heard(/was renewed/)
  for (let visitor = 0; visitor < 20; visitor += 1) expect(await shownName()).toBe('second')
  // Over the connection of before.
  await ask('/admin/loggers/still-there', {
    method: 'PUT',
    body: '{"level":"info"}',
    headers: { 'content-type': 'application/json' },
  })
  at.runtime.logger('still-there').info('the old connection hears this')
  await heard(/the old connection hears this/)

  const stateOf = () => at!.runtime.status().plugins.find(({ name }) => name === 'admin')!
  const other = await generate([{ name: 'commonName', value: 'other' }])
  const dates = { notBeforeDate: new Date('2020-01-01'), notAfterDate: new Date('2020-02-01') }
  const expired = await generate([{ name: 'commonName', value: 'expired' }], dates)
  const good = [readFileSync(cert, 'utf8'), readFileSync(key, 'utf8')] as const
  const broken: Readonly<Record<string, readonly [cert: string | undefined, key: string | undefined]>> = {
    [`cannot read the certificate: ENOENT: no such file or directory, open '${cert}'`]: [undefined, good[1]],
    [`cannot read the private key: ENOENT: no such file or directory, open '${key}'`]: [good[0], undefined],
    [`${cert} holds no certificate in PEM that can be read without a passphrase`]: ['no PEM', good[1]],
    [`${key} holds no private key in PEM that can be read without a passphrase`]: [good[0], ''],
    [`the private key ${key} does not belong to the certificate ${cert}`]: [good[0], other.private],
    [`${cert} has expired on 2020-02-01T00:00:00.000Z`]: [expired.cert, expired.private],
    [`the chain in ${cert} is broken`]: [`${good[0]}\n${good[0].slice(0, 300)}`, good[1]],
  }
  const until = async (is: () => boolean) => {
    while (!is()) await Bun.sleep(10) // Files are looked at in real time.
  }
  for (const [reason, texts] of Object.entries(broken)) {
    for (const [index, file] of [cert, key].entries()) {
      rmSync(file, { force: true })
      if (texts[index] !== undefined) writeFileSync(file, texts[index])
    }
    await until(() => stateOf().reason?.includes(reason) === true)
    expect(stateOf()).toMatchObject({
      state: 'degraded',
      reason: expect.stringMatching(/; the old certificate stays in use$/),
    })
    expect(await shownName()).toBe('second')
  }
  // ADMIN_TLS
  await expect(at.runtime.restart('admin')).rejects.toThrow('admin failed in start: cannot use the certificate')
  expect(await shownName()).toBe('second')
  await writeCertificate('third')
  await until(() => stateOf().state === 'ok')
  expect(await shownName()).toBe('third')
  over = true
  await load
  expect(failures).toEqual([])
  await stream.cancel()
})

test('over TLS the cookie of a browser session is for this host and for TLS alone', async () => {
  await writeCertificate('cookies')
  at = await bootAdmin({ admin: { listen: { port: 0, tls: { cert, key } } } })
  const login = await ask('/admin/session', {
    method: 'POST',
    body: JSON.stringify({ key: adminKey }),
    headers: { 'content-type': 'application/json' },
  })
  const cookie = login.headers.get('set-cookie')!
  expect(cookie).toStartWith('__Host-arkwatch_session=')
  for (const flag of ['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']) expect(cookie).toContain(flag)
  expect(cookie).not.toContain('Domain')
})

test('Host and Origin are looked at on a listener of its own, too', async () => {
  at = await bootAdmin({ admin: { listen: { port: 0 } } })
  const statusOf = async (headers: Record<string, string>) => (await ask('/admin/status', { headers })).status
  expect(await statusOf({})).toBe(200)
  expect(await statusOf({ host: 'evil.example' })).toBe(403)
  expect(await statusOf({ origin: 'https://evil.example' })).toBe(403)
})

test('on a Unix socket of its owner alone, where no browser comes, any Host will do', async () => {
  at = await bootAdmin({ admin: { listen: { unix: 'admin.sock' } } })
  const unix = join(at.runtime.dataDir, 'admin.sock')
  expect(statSync(unix).mode & 0o777).toBe(0o600)
  const over = (path: string, init: BunFetchRequestInit = {}) =>
    fetch(`http://any.example${path}`, { ...init, unix, headers: { 'x-admin-key': adminKey, ...init.headers } })
  expect((await over('/admin/status')).status).toBe(200)
  expect((await over('/admin/status', { headers: { 'x-admin-key': 'wrong' } })).status).toBe(401)
  expect((await over('/admin/plugins/admin/restart', { method: 'POST' })).status).toBe(200)
  expect((await over('/admin/status')).status).toBe(200)
})

test.each(['admin', 'audit', 'store'])(
  'restarting %s over a listener of its own answers the request that asked, and goes on listening',
  async (name) => {
    at = await bootAdmin({ admin: { listen: { port: 0 } } })
    const url = urlOf(at)
    const startedMs = performance.now()
    const response = await ask(`/admin/plugins/${name}/restart`, { method: 'POST' })
    expect([response.status, ((await response.json()) as { plugin: { state: string } }).plugin.state]).toEqual([
      200,
      'ok',
    ])
    expect(performance.now() - startedMs).toBeLessThan(5_000)
    expect(urlOf(at)).not.toBe('')
    expect((await ask('/admin/status')).status).toBe(200)
    expect(url).toStartWith('http://127.0.0.1:')
  },
)

test('a change of its own settings is answered over its own listener', async () => {
  at = await bootAdmin({ admin: { listen: { port: 0 } } })
  const response = await ask('/admin/config/apply', {
    method: 'POST',
    body: JSON.stringify({ patch: { plugins: { admin: { maxStreams: 3 } } }, confirm_within_seconds: 60 }),
    headers: { 'content-type': 'application/json' },
  })
  expect(response.status).toBe(200)
  const { id } = (await response.json()) as { id: string }
  expect((await ask(`/admin/config/changes/${id}/confirm`, { method: 'POST' })).status).toBe(200)
  const { records } = (await (await ask('/admin/audit?action=config.apply')).json()) as {
    records: { outcome: string }[]
  }
  expect(records.map(({ outcome }) => outcome)).toEqual(['ok', 'begun'])
})
