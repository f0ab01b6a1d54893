/** The four servers that the whole test run shares, and their addresses as environment variables. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { providePrograms, provideViewers, type ServiceName } from './binaries.ts'
import { type Instance, startInstance } from './instance.ts'

export interface SharedServices {
  /** ARKWATCH_TEST_*: URLs, programs, folders and pids. */
  readonly env: Readonly<Record<string, string>>
  readonly instances: readonly Instance[]
  readonly root: string
  /** Stops every server and removes the folder. Safe to call twice. */
  stop(): Promise<void>
}

const names: readonly ServiceName[] = ['postgres', 'mariadb', 'redis', 'prometheus']

/** Lets the servers' own accounts through to their folders below. */
export const openFolder = (folder: string) => chmodSync(folder, 0o755)

/**
 * Starts all four at once.
 *
 * @param options.detached they outlive this process
 * @throws when one of them does not start; the others are stopped first
 */
export async function startShared(
  options: { readonly detached?: boolean; readonly say?: (line: string) => void } = {},
): Promise<SharedServices> {
  const root = mkdtempSync(join(tmpdir(), 'arkwatch-services-'))
  openFolder(root)
  const dataDir = join(root, 'tests')
  mkdirSync(dataDir)
  const instances: Instance[] = []
  const stop = async () => {
    await Promise.all(instances.map((instance) => instance.stop()))
    rmSync(root, { recursive: true, force: true })
  }
  try {
    const programs = await providePrograms(names, root, options.say)
    const { nodeExporter, chromium } = await provideViewers(options.say)
    const starts = names.map(async (name) => {
      const instance = await startInstance(name, {
        programs,
        dir: join(root, name),
        detached: options.detached ?? false,
      })
      instances.push(instance)
    })
    const failed = (await Promise.allSettled(starts)).filter((result) => result.status === 'rejected')
    if (failed[0] !== undefined) throw failed[0].reason
    const env: Record<string, string> = {
      ARKWATCH_TEST_DATA_DIR: dataDir,
      ARKWATCH_TEST_PROMETHEUS_BIN: programs.path('prometheus'),
      ARKWATCH_TEST_PROMTOOL_BIN: programs.path('promtool'),
      ...(nodeExporter !== undefined && { ARKWATCH_TEST_NODE_EXPORTER_BIN: nodeExporter }),
      ...(chromium !== undefined && { ARKWATCH_TEST_CHROMIUM_BIN: chromium }),
    }
    for (const { name, url, pid, dir } of instances) {
      const prefix = `ARKWATCH_TEST_${name.toUpperCase()}`
      Object.assign(env, { [`${prefix}_URL`]: url, [`${prefix}_PID`]: String(pid), [`${prefix}_DIR`]: dir })
    }
    return { env, instances, root, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}
