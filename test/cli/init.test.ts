import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createServer, type Server } from 'node:net'
import { parse } from 'yaml'
import { ask } from '../../cli/init/exchange.ts'
import { parseServiceUrl, protocolOf, type ServiceKind } from '../../cli/init/protocols.ts'
import { renderConfig } from '../../cli/init/render-config.ts'
import { type Finding, survey } from '../../cli/init/survey.ts'
import { freePort } from '../../scripts/services/free-port.ts'
import { type Instance, privateRedis, sharedUrl } from '../support/services.ts'
import { type CommandFolder, commandFolder, commandTimeoutMs } from './arkwatch-command.ts'

setDefaultTimeout(commandTimeoutMs)

const undo: (() => unknown)[] = []
afterAll(async () => {
  for (const one of undo.reverse()) await one()
})
const newFolder = (env?: Record<string, string>): CommandFolder => {
  const made = commandFolder(env)
  undo.push(() => made[Symbol.asyncDispose]())
  return made
}
const timeoutMs = 1_000
const portOf = (url: string) => Number(new URL(url.replace(/^\w+:/, 'http:')).port)

describe('recognising a server', () => {
  const bytes = (...parts: (string | number[])[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)))
  const answers: [string, ServiceKind, Uint8Array, unknown][] = [
    ['PostgreSQL with TLS', 'postgres', bytes('S'), { open: false }],
    ['PostgreSQL without', 'postgres', bytes('N'), { open: false }],
    ['HTTP asked as PostgreSQL', 'postgres', bytes('HTTP/1.1 400'), undefined],
    [
      'MariaDB',
      'mysql',
      bytes([90, 0, 0, 0, 10], '5.5.5-10.11.6-MariaDB', [0, 1]),
      { open: false, version: '10.11.6-MariaDB' },
    ],
    ['MySQL', 'mysql', bytes([90, 0, 0, 0, 10], '8.4.0', [0, 1]), { open: false, version: '8.4.0' }],
    [
      'MySQL that refuses this host',
      'mysql',
      bytes([60, 0, 0, 0, 255], [0x6a, 4], 'Host is not allowed'),
      { open: false },
    ],
    ['SSH asked as MySQL', 'mysql', bytes('SSH-2.0-OpenSSH'), undefined],
    ['nothing much as MySQL', 'mysql', bytes('x'), undefined],
    ['Redis', 'redis', bytes('+PONG\r\n'), { open: true }],
    ['Redis with a password', 'redis', bytes('-NOAUTH Authentication required.\r\n'), { open: false }],
    ['SMTP asked as Redis', 'redis', bytes('220 mail ESMTP'), undefined],
    ['another line protocol asked as Redis', 'redis', bytes('-ERR no such thing\r\n'), undefined],
  ]
  test.each(answers)('%s', (_, kind, answer, expected) => {
    expect(protocolOf(kind).recognise(answer)).toEqual(expected as never)
  })

  const urls: [string, unknown][] = [
    ['postgres://u:p@db:5433/x', { kind: 'postgres', host: 'db', port: 5433 }],
    ['postgresql+asyncpg://u:p@db/x', { kind: 'postgres', host: 'db', port: 5432 }],
    ['mysql+pymysql://u:p@db/x', { kind: 'mysql', host: 'db', port: 3306 }],
    ['rediss://:p@[::1]:6380/0', { kind: 'redis', host: '::1', port: 6380 }],
    ['sqlite:///x.db', undefined],
    ['constructor://x', undefined],
    ['', undefined],
    ['postgres://', undefined],
  ]
  test.each(urls)('the URL %s', (url, expected) => {
    expect(parseServiceUrl(url)).toEqual(expected as never)
  })
})

describe('asking a port', () => {
  const listening = async (onConnect: (server: Server) => void) => {
    const server = createServer()
    onConnect(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    undo.push(() => server.close())
    return (server.address() as { port: number }).port
  }

  test('gives up on one that says nothing, hangs up, or is closed', async () => {
    const silent = await listening(() => {})
    const started = performance.now()
    // A real timeout: the limit is what is tested.
    expect(await ask({ host: '127.0.0.1', port: silent, timeoutMs: 100 })).toBeUndefined()
    expect(performance.now() - started).toBeLessThan(4_000)
    const hangsUp = await listening((server) => server.on('connection', (socket) => socket.destroy()))
    expect(await ask({ host: '127.0.0.1', port: hangsUp, timeoutMs })).toBeUndefined()
    expect(await ask({ host: '127.0.0.1', port: await freePort(), timeoutMs })).toBeUndefined()
    expect(await ask({ host: 'surely.not.a.host.invalid', port: 1, timeoutMs })).toBeUndefined()
  })

  test('keeps no more than the first bytes of a flood', async () => {
    const flood = await listening((server) =>
      server.on('connection', (socket) => void socket.on('error', () => {}).end(Buffer.alloc(1_000_000))),
    )
    expect((await ask({ host: '127.0.0.1', port: flood, timeoutMs }))?.length).toBeLessThanOrEqual(4_096)
  })
})

describe('the survey', () => {
  let redis: Instance | undefined
  let locked: Instance | undefined
  beforeAll(async () => {
    ;[redis, locked] = await Promise.all([privateRedis(), privateRedis({ args: ['--requirepass', 'hidden-word'] })])
  })
  afterAll(async () => {
    await Promise.all([redis?.stop(), locked?.stop()])
  })
  const nowhere = async () => ({ postgres: await freePort(), mysql: await freePort(), redis: await freePort() })

  test('finds a real Redis, open or with a password', async () => {
    const open = await survey({ env: {}, timeoutMs, ports: { ...(await nowhere()), redis: portOf(redis!.url) } })
    expect(open).toMatchObject([{ name: 'redis', named: false, answer: { open: true } }])
    const closed = await survey({ env: {}, timeoutMs, ports: { ...(await nowhere()), redis: portOf(locked!.url) } })
    expect(closed).toMatchObject([{ name: 'redis', named: false, answer: { open: false } }])
  })

  const servers = [
    ['postgres', 'database'],
    ['mariadb', 'mysql'],
  ] as const
  for (const [server, name] of servers) {
    const url = sharedUrl(server)
    test.skipIf(url === undefined)(`finds a real ${server}`, async () => {
      const kind = server === 'mariadb' ? 'mysql' : server
      const found = await survey({ env: {}, timeoutMs, ports: { ...(await nowhere()), [kind]: portOf(url!) } })
      expect(found).toMatchObject([{ name, kind, named: false, answer: { open: false } }])
    })
  }

  test('takes what the environment names, also while it does not answer, and looks at no port for it', async () => {
    const gone = await freePort()
    const env = { DATABASE_URL: `mysql+pymysql://u:hidden-word@127.0.0.1:${gone}/x`, REDIS_URL: redis!.url }
    const found = await survey({ env, timeoutMs, ports: await nowhere() })
    expect(found).toMatchObject([
      { name: 'database', kind: 'mysql', variable: 'DATABASE_URL', named: true, answer: undefined },
      { name: 'redis', kind: 'redis', variable: 'REDIS_URL', named: true, answer: { open: true } },
    ])
    expect(JSON.stringify(found)).not.toContain('hidden-word')
  })

  test('finds nothing where there is nothing', async () => {
    expect(await survey({ env: { DATABASE_URL: 'sqlite:///x' }, timeoutMs, ports: await nowhere() })).toEqual([])
  })

  test('init writes a file that is good, runs, and holds no secret', async () => {
    const env = {
      DATABASE_URL: 'postgres://u:hidden-word@127.0.0.1:1/x',
      REDIS_URL: locked!.url.replace('://', '://:hidden-word@'),
    }
    const { run, folder, start } = newFolder(env)
    const { exitCode, stdout, stderr } = await start('init').ended
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    const text = await Bun.file(`${folder}/config.yaml`).text()
    expect(text + stdout).not.toContain('hidden-word')
    expect(parse(text).plugins.health.checks).toMatchObject({
      database: { kind: 'postgres', url: '${env:DATABASE_URL:-}' },
      redis: { kind: 'redis', url: '${env:REDIS_URL:-}' },
    })
    expect((await run('check')).exitCode).toBe(0)
    const { seen, child, ended } = start('start')
    const [, url] = /listens on (http:\S+?)[",]/.exec(await seen(/arkwatch listens on/)) ?? []
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    child.kill('SIGTERM')
    expect((await ended).exitCode).toBe(0)

    const again = await run('init')
    expect(again.exitCode).toBe(1)
    expect(again.stderr).toContain('[CLI_FILE_EXISTS]')
    expect(await Bun.file(`${folder}/config.yaml`).text()).toBe(text)
    const forced = await run('init', '--force', '--json')
    expect(forced.exitCode).toBe(0)
    expect(forced.stdout).not.toContain('hidden-word')
    const { findings } = JSON.parse(forced.stdout) as { findings: Finding[] }
    expect(findings.filter(({ named }) => named)).toBeArrayOfSize(2)
  })
})

test('a path that cannot be written is named', async () => {
  const { run, write } = newFolder()
  await write('file', '')
  const { exitCode, stderr } = await run('init', '-c', 'file/config.yaml')
  expect(exitCode).toBe(1)
  expect(stderr).toContain('[CLI_FILE_UNWRITABLE]')
})

describe('the file', () => {
  const finding = (more: Partial<Finding>): Finding => ({
    name: 'database',
    kind: 'postgres',
    title: 'PostgreSQL',
    host: '127.0.0.1',
    port: 5432,
    variable: 'DATABASE_URL',
    named: false,
    answer: { open: false },
    ...more,
  })
  const checksOf = (findings: Finding[]) =>
    parse(renderConfig({ findings, port: 1, watchdogPort: 2 })).plugins.health.checks

  test('checks the port of a server whose credentials are unknown', () => {
    expect(checksOf([finding({})])).toMatchObject({
      database: { kind: 'postgres', url: '${env:DATABASE_URL:-}' },
      database_port: { kind: 'tcp', host: '127.0.0.1', port: 5432 },
    })
  })

  test('points at an open Redis by default', () => {
    const open = finding({ name: 'redis', kind: 'redis', port: 6379, variable: 'REDIS_URL', answer: { open: true } })
    expect(checksOf([open])).toEqual({
      redis: { kind: 'redis', url: '${env:REDIS_URL:-redis://127.0.0.1:6379}', every: '10s', critical: true },
    })
  })

  test('is good without anything to watch', () => {
    expect(checksOf([])).toEqual({})
  })
})
