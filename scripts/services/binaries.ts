/** Where the servers' programs are: on PATH, else installed by apt-get, else run by Docker. */

import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export type ServiceName = 'postgres' | 'mariadb' | 'redis' | 'prometheus'

interface Package {
  readonly programs: readonly string[]
  readonly apt: string
  readonly image: string
}

export const packages: Readonly<Record<ServiceName, Package>> = {
  postgres: { programs: ['initdb', 'postgres', 'pg_isready'], apt: 'postgresql', image: 'postgres:17' },
  mariadb: {
    programs: ['mariadb-install-db', 'mariadbd', 'mariadb-admin'],
    apt: 'mariadb-server',
    image: 'mariadb:11',
  },
  redis: { programs: ['redis-server'], apt: 'redis-server', image: 'redis:7' },
  prometheus: { programs: ['prometheus', 'promtool'], apt: 'prometheus', image: 'prom/prometheus:v3.5.0' },
}

/** The folders searched: PATH, the system's, and those where Debian and Homebrew keep PostgreSQL, newest first. */
function searchPath(): string {
  const versioned = (root: string, bin: (version: string) => string) =>
    existsSync(root)
      ? readdirSync(root)
          .sort((a, b) => Number.parseFloat(b) - Number.parseFloat(a))
          .map((version) => join(root, bin(version)))
      : []
  return [
    process.env.PATH ?? '',
    '/usr/local/sbin:/usr/sbin:/sbin',
    ...versioned('/usr/lib/postgresql', (version) => `${version}/bin`),
    ...['postgresql@17', 'postgresql@16', 'postgresql@15'].map((formula) => `/opt/homebrew/opt/${formula}/bin`),
  ].join(delimiter)
}

export const findProgram = (name: string): string | undefined => Bun.which(name, { PATH: searchPath() }) ?? undefined

const isComplete = (name: ServiceName) => packages[name].programs.every((program) => findProgram(program) !== undefined)

async function succeeds(command: string[], env: Record<string, string> = {}): Promise<boolean> {
  const child = Bun.spawn(command, {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    env: { ...process.env, ...env },
  })
  return (await child.exited) === 0
}

const canInstall = () => process.getuid?.() === 0 && existsSync('/etc/debian_version') && Bun.which('apt-get') !== null

/** Installs by apt-get. RUNLEVEL=1 keeps the packages from starting their own servers. */
async function aptInstall(wanted: readonly string[], say: (line: string) => void): Promise<void> {
  say(`installing ${wanted.join(', ')} with apt-get`)
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  await succeeds(['apt-get', 'update', '-qq'], env)
  await succeeds(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...wanted], env)
}

/**
 * Writes one shell script per program of an image, so that a container's program is called like any other.
 * The network, the accounts and the folder of the services are the host's; the caller's user is kept, root becomes nobody.
 */
export function writeDockerWrappers(root: string, name: ServiceName): Record<string, string> {
  const folder = join(root, 'docker-bin')
  mkdirSync(folder, { recursive: true })
  const scripts: Record<string, string> = {}
  for (const program of packages[name].programs) {
    const file = join(folder, program)
    writeFileSync(
      file,
      `#!/bin/sh
user="$(id -u):$(id -g)"
if [ "$user" = 0:0 ]; then user=65534:65534; fi
exec docker run --rm --init --network host --user "$user" --volume /etc/passwd:/etc/passwd:ro --volume '${root}:${root}' \\
  \${ARKWATCH_CONTAINER_FILE:+--cidfile "$ARKWATCH_CONTAINER_FILE"} --entrypoint ${program} ${packages[name].image} "$@"
`,
    )
    chmodSync(file, 0o755)
    scripts[program] = file
  }
  return scripts
}

export interface Programs {
  /** The path of a program. @throws when it belongs to a service that was not asked for */
  path(program: string): string
  /** The services whose programs run in containers. */
  readonly inDocker: ReadonlySet<ServiceName>
}

const installLine = (names: readonly ServiceName[]) =>
  `cannot find the programs of ${names.join(', ')}. Install them (Debian, Ubuntu: sudo apt-get install ` +
  `${names.map((name) => packages[name].apt).join(' ')}; macOS: brew install ` +
  `${names.map((name) => (name === 'postgres' ? 'postgresql@17' : name)).join(' ')}), or start Docker, and run again`

/**
 * @param names the services needed
 * @param root the folder of the services, shared with containers
 * @throws one message that says what to install
 */
export async function providePrograms(
  names: readonly ServiceName[],
  root: string,
  say: (line: string) => void = () => {},
): Promise<Programs> {
  const missing = () => names.filter((name) => !isComplete(name))
  if (missing().length > 0 && canInstall()) {
    await aptInstall(
      missing().map((name) => packages[name].apt),
      say,
    )
  }
  const wrapped: Record<string, string> = {}
  const inDocker = new Set<ServiceName>()
  if (missing().length > 0) {
    const hasDocker = Bun.which('docker') !== null && (await succeeds(['docker', 'info']))
    if (!hasDocker) throw new Error(installLine(missing()))
    for (const name of missing()) {
      say(`running ${name} from the image ${packages[name].image}`)
      Object.assign(wrapped, writeDockerWrappers(root, name))
      inDocker.add(name)
    }
  }
  return {
    inDocker,
    path(program) {
      const found = wrapped[program] ?? findProgram(program)
      if (found === undefined) throw new Error(`program ${program} was not provided`)
      return found
    },
  }
}

/** Programs that some tests look at the product with. */
export interface Viewers {
  /** Prometheus' node_exporter, to compare with. */
  readonly nodeExporter: string | undefined
  /** A browser, for pages. */
  readonly chromium: string | undefined
}

const viewers: Readonly<Record<keyof Viewers, { readonly programs: readonly string[]; readonly apt: string }>> = {
  nodeExporter: { programs: ['node_exporter', 'prometheus-node-exporter'], apt: 'prometheus-node-exporter' },
  chromium: { programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], apt: 'chromium' },
}

/** @returns their paths, undefined where one cannot be had: its tests are skipped then */
export async function provideViewers(say: (line: string) => void = () => {}): Promise<Viewers> {
  const find = (name: keyof Viewers) => viewers[name].programs.map(findProgram).find((path) => path !== undefined)
  const missing = (Object.keys(viewers) as (keyof Viewers)[]).filter((name) => find(name) === undefined)
  if (missing.length > 0 && canInstall())
    await aptInstall(
      missing.map((name) => viewers[name].apt),
      say,
    )
  return { nodeExporter: find('nodeExporter'), chromium: find('chromium') }
}
