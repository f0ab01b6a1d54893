/** Starts one PostgreSQL, MariaDB, Redis or Prometheus in a folder of its own, on a port of its own. */

import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Programs, ServiceName } from './binaries.ts'
import { freePort } from './free-port.ts'
import { runToEnd, type Server, type ServerCommand, startServer } from './process.ts'

export interface Instance {
  readonly name: ServiceName
  /** Connection URL, with the password of the test account where there is one. */
  readonly url: string
  readonly port: number
  /** Everything the server keeps, and `server.log`. */
  readonly dir: string
  readonly pid: number
  /** Ends it in order. Safe to call twice. */
  stop(): Promise<void>
  /** Ends it as a crash would. */
  kill9(): Promise<void>
  /** Starts it again on the same port and data, after `stop` or `kill9`. */
  restart(): Promise<void>
}

export interface InstanceOptions {
  readonly programs: Programs
  /** A folder that does not exist yet. */
  readonly dir: string
  /** @default a free one */
  readonly port?: number
  /** Outlives this process. @default false */
  readonly detached?: boolean
  /** What the server gets besides our own arguments, in its own syntax (Redis: `['--requirepass', 'x']`). */
  readonly args?: readonly string[]
}

interface Recipe {
  /** The account that runs the server when we are root: the first that exists. */
  readonly users: readonly string[]
  readonly stopSignal?: ServerCommand['stopSignal']
  url(port: number): string
  /** Fills the data folder. Runs once. */
  prepare(at: Place): Promise<void>
  command(at: Place): string[]
  ready(at: Place): Promise<boolean>
}

interface Place {
  readonly dir: string
  readonly port: number
  readonly user: string | undefined
  path(program: string): string
}

const account = 'arkwatch'
const password = 'arkwatch-test'
const isRoot = process.getuid?.() === 0

const exits0 = async (command: string[]) =>
  (await Bun.spawn(command, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }).exited) === 0

/** Sends `line` and resolves with the first bytes of the answer. */
const ask = (port: number, line: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(line))
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')))
    socket.once('data', (bytes) => {
      resolve(bytes.toString())
      socket.destroy()
    })
    socket.once('error', reject)
  })

const recipes: Readonly<Record<ServiceName, Recipe>> = {
  postgres: {
    users: ['postgres', 'nobody'],
    stopSignal: 'QUIT',
    url: (port) => `postgres://${account}:${password}@127.0.0.1:${port}/postgres`,
    async prepare({ dir, user, path }) {
      // The server that all tests share keeps the folder that it began with: a copy takes a quarter of the time of initdb.
      const empty = join(process.env.ARKWATCH_TEST_POSTGRES_DIR ?? dir, 'empty')
      if (!existsSync(empty)) {
        writeFileSync(join(dir, 'password'), `${password}\n`)
        const options = ['-N', '-A', 'scram-sha-256', '--no-locale', '-E', 'UTF8', '--no-instructions']
        const owner = ['-U', account, `--pwfile=${join(dir, 'password')}`]
        await runToEnd([path('initdb'), '-D', empty, ...options, ...owner], user)
      }
      await runToEnd(['cp', '-pR', `${empty}/.`, join(dir, 'data')], user)
    },
    command: ({ dir, port, path }) => [
      path('postgres'),
      ...['-D', join(dir, 'data'), '-p', String(port), '-k', dir, '-h', '127.0.0.1'],
      ...['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'shared_buffers=16MB'].flatMap((set) => [
        '-c',
        set,
      ]),
      ...['wal_level=replica', 'max_wal_senders=4', 'hot_standby=on'].flatMap((set) => ['-c', set]),
    ],
    ready: ({ port, path }) => exits0([path('pg_isready'), '-q', '-h', '127.0.0.1', '-p', String(port)]),
  },
  mariadb: {
    users: ['mysql', 'nobody'],
    url: (port) => `mysql://${account}:${password}@127.0.0.1:${port}/${account}`,
    async prepare({ dir, user, path }) {
      writeFileSync(
        join(dir, 'init.sql'),
        [
          `CREATE DATABASE IF NOT EXISTS ${account};`,
          `CREATE OR REPLACE USER '${account}'@'%' IDENTIFIED BY '${password}';`,
          `GRANT ALL PRIVILEGES ON *.* TO '${account}'@'%' WITH GRANT OPTION;`,
        ].join('\n'),
      )
      // Not the TMPDIR of whoever starts it, where its own user may not write.
      const options = [`--tmpdir=${join(dir, 'data')}`, '--skip-test-db', '--innodb-log-file-size=8M']
      options.push('--auth-root-authentication-method=normal')
      await runToEnd([path('mariadb-install-db'), '--no-defaults', `--datadir=${join(dir, 'data')}`, ...options], user)
    },
    command: ({ dir, port, path }) => [
      path('mariadbd'),
      ...['--no-defaults', `--datadir=${join(dir, 'data')}`, `--port=${port}`, '--bind-address=127.0.0.1'],
      ...[
        `--tmpdir=${join(dir, 'data')}`,
        `--socket=${join(dir, 'mariadb.sock')}`,
        `--pid-file=${join(dir, 'mariadb.pid')}`,
        `--init-file=${join(dir, 'init.sql')}`,
      ],
      ...['--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=16M', '--innodb-log-file-size=8M'],
      ...['--skip-name-resolve', '--performance-schema=OFF'],
    ],
    ready: ({ port, path }) =>
      exits0([
        path('mariadb-admin'),
        ...['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', `--port=${port}`, '--connect-timeout=2'],
        ...[`--user=${account}`, `--password=${password}`, '--skip-ssl', 'status'],
      ]),
  },
  redis: {
    users: ['redis', 'nobody'],
    url: (port) => `redis://127.0.0.1:${port}/0`,
    async prepare() {},
    command: ({ dir, port, path }) => [
      path('redis-server'),
      ...[
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        join(dir, 'data'),
        '--save',
        '',
        '--appendonly',
        'no',
      ],
    ],
    ready: async ({ port }) => /^(\+PONG|-NOAUTH)/.test(await ask(port, 'PING\r\n')),
  },
  prometheus: {
    users: ['prometheus', 'nobody'],
    url: (port) => `http://127.0.0.1:${port}`,
    async prepare({ dir, port }) {
      const self = `{ job_name: prometheus, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }`
      writeFileSync(join(dir, 'prometheus.yml'), `global: { scrape_interval: 1s }\nscrape_configs:\n  - ${self}\n`)
    },
    command: ({ dir, port, path }) => [
      path('prometheus'),
      ...[`--config.file=${join(dir, 'prometheus.yml')}`, `--storage.tsdb.path=${join(dir, 'data')}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--web.enable-lifecycle', '--web.enable-admin-api'],
    ],
    ready: async ({ port }) => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok,
  },
}

/** The account for a server: none unless we are root, since PostgreSQL and MariaDB refuse root. */
async function accountFor(name: ServiceName): Promise<string | undefined> {
  if (!isRoot) return undefined
  for (const user of recipes[name].users) if (await exits0(['id', '-u', user])) return user
  throw new Error(`${name} must not run as root and none of the accounts ${recipes[name].users.join(', ')} exists`)
}

async function preparePlace(name: ServiceName, dir: string, user: string | undefined): Promise<void> {
  mkdirSync(join(dir, 'data'), { recursive: true, mode: 0o700 })
  chmodSync(dir, 0o755)
  if (user !== undefined) await runToEnd(['chown', '-R', `${user}:`, dir])
  if (existsSync(join(dir, 'server.log'))) throw new Error(`${name} was prepared in ${dir} before`)
}

/** @throws when the program is missing, set-up fails, or the server does not serve within 60 s */
export async function startInstance(name: ServiceName, options: InstanceOptions): Promise<Instance> {
  const { programs, dir, port = freePort(), detached = false, args = [] } = options
  const recipe = recipes[name]
  const isInDocker = programs.inDocker.has(name)
  const owner = isInDocker && isRoot ? 'nobody' : await accountFor(name)
  const user = isInDocker ? undefined : owner
  const place: Place = { dir, port, user, path: programs.path }
  const containerFile = isInDocker ? join(dir, 'container') : undefined
  await preparePlace(name, dir, owner)
  await recipe.prepare(place)

  const start = (): Promise<Server> => {
    if (containerFile !== undefined) rmSync(containerFile, { force: true })
    const command = [...recipe.command(place), ...args]
    return startServer({
      name,
      command: containerFile === undefined ? command : ['env', `ARKWATCH_CONTAINER_FILE=${containerFile}`, ...command],
      logFile: join(dir, 'server.log'),
      detached,
      ready: () => recipe.ready(place),
      ...(recipe.stopSignal === undefined ? {} : { stopSignal: recipe.stopSignal }),
      ...(user === undefined ? {} : { user }),
      ...(containerFile === undefined ? {} : { containerFile }),
    })
  }
  let server = await start()
  return {
    name,
    url: recipe.url(port),
    port,
    dir,
    get pid() {
      return server.pid
    },
    stop: () => server.stop(),
    kill9: () => server.kill9(),
    async restart() {
      await server.stop()
      server = await start()
    },
  }
}
