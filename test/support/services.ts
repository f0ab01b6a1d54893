/**
 * Private instances of the real servers, for tests that kill, restart or fill them. Each test file that needs one starts
 * it in `beforeAll` and stops it in `afterAll`; it dies with the test process in any case.
 *
 * Tests that only read and write use the shared servers of the test command: {@link sharedUrl}.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { providePrograms, type ServiceName } from '../../scripts/services/binaries.ts'
import { type Instance, type InstanceOptions, startInstance } from '../../scripts/services/instance.ts'
import { openFolder } from '../../scripts/services/shared.ts'

export { freePort } from '../../scripts/services/free-port.ts'
export type { Instance } from '../../scripts/services/instance.ts'

type Options = Pick<InstanceOptions, 'port' | 'args'>

/** Starts one server in a temporary folder that goes when it is stopped for good with `stop()`. */
async function privateInstance(name: ServiceName, options: Options = {}): Promise<Instance> {
  const root = mkdtempSync(join(process.env.ARKWATCH_TEST_DATA_DIR ?? tmpdir(), `${name}-`))
  openFolder(root)
  const programs = await providePrograms([name], root)
  const instance = await startInstance(name, { programs, dir: join(root, name), ...options })
  process.once('exit', () => rmSync(root, { recursive: true, force: true }))
  return instance
}

/** A PostgreSQL of its own. Takes about a second. @param options.args e.g. `['-c', 'max_connections=10']` */
export const privatePostgres = (options?: Options) => privateInstance('postgres', options)

/** A MariaDB of its own. Takes about two seconds. @param options.args e.g. `['--max-connections=10']` */
export const privateMariadb = (options?: Options) => privateInstance('mariadb', options)

/** A Redis of its own. @param options.args e.g. `['--requirepass', 'x']` */
export const privateRedis = (options?: Options) => privateInstance('redis', options)

/** A Prometheus of its own: `dir` holds its prometheus.yml, `POST /-/reload` reads it again. */
export const privatePrometheus = (options?: Options) => privateInstance('prometheus', options)

const variables = {
  postgres: 'ARKWATCH_TEST_POSTGRES_URL',
  mariadb: 'ARKWATCH_TEST_MARIADB_URL',
  redis: 'ARKWATCH_TEST_REDIS_URL',
  prometheus: 'ARKWATCH_TEST_PROMETHEUS_URL',
} as const

/** The URL of a server that the test command started, undefined where tests run without it: then use `test.skipIf`. */
export const sharedUrl = (name: ServiceName): string | undefined => process.env[variables[name]] || undefined
