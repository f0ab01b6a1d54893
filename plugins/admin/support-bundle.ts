/** The support bundle: one archive of plain text, so that people can read it before they send it. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock, Runtime } from '../../core/plugin.ts'
import type { Health } from '../health/api.ts'
import type { Logging } from '../logging/api.ts'
import type { Metrics } from '../metrics/api.ts'
import type { JobContext, JobOutcome } from './api.ts'
import type { Samples } from './samples.ts'

export interface BundleOptions {
  readonly clock: Clock
  readonly runtime: Runtime
  readonly samples: Samples
  readonly dataDir: string
  readonly health: Health | undefined
  readonly logging: Logging | undefined
  readonly metrics: Metrics | undefined
}

const maxLines = 5_000
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

/** Waits between the two looks at the metrics, and @returns the archive @param durationMs between them */
export async function makeBundle(
  options: BundleOptions,
  durationMs: number,
  { signal, progress }: JobContext,
): Promise<JobOutcome> {
  const { clock, runtime, samples, dataDir, health, logging, metrics } = options
  const expose = async () => (await metrics?.expose()) ?? ''
  progress(0.05, 'metrics at the start')
  const files: Record<string, string> = { 'metrics-start.prom': await expose() }
  progress(0.1, `waiting ${Math.round(durationMs / 1_000)} s`)
  if (durationMs > 0) await clock.sleep(durationMs, signal)
  progress(0.8, 'collecting')
  const status = runtime.status()
  Object.assign(files, {
    'metrics-end.prom': await expose(),
    'status.json': json(status),
    'config.json': json(await runtime.describeConfig()),
    'changes.json': json(runtime.changes.history),
    'health.json': json({ status: health?.status() ?? null, checks: health?.checks() ?? [], off: health?.off() ?? [] }),
    'log.jsonl': (logging?.recent({ limit: maxLines }) ?? []).map(({ line }) => `${line}\n`).join(''),
    'log-levels.json': json(logging?.levels() ?? []),
    'system.json': json((await samples.measure()) ?? null),
    'versions.json': json({
      arkwatch: status.version,
      bun: Bun.version,
      platform: process.platform,
      arch: process.arch,
      plugins: status.plugins.map(({ name, version }) => ({ name, version })),
    }),
    'README.txt': `Arkwatch support bundle of ${new Date(clock.now()).toISOString()}.\nEverything is plain text; secrets are left out. Look through it before you send it.\n`,
  })
  const sizes = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.length]))
  const archive = await new Bun.Archive(files).bytes()
  const name = `arkwatch-${clock.now()}.tar.gz`
  const path = await keepLatest(join(dataDir, 'bundles'), name, await promisify(gzip)(archive))
  return { result: { files: sizes }, file: { path, contentType: 'application/gzip', name } }
}

/** Writes the bundle, then removes the earlier ones: they stay where it has no room. @returns its path */
async function keepLatest(directory: string, name: string, archive: Uint8Array): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, name)
  try {
    await writeFile(path, archive, { mode: 0o600 })
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
  const earlier = (await readdir(directory)).filter((file) => /^arkwatch-\d+\.tar\.gz$/.test(file) && file !== name)
  await Promise.all(earlier.map((file) => rm(join(directory, file), { force: true })))
  return path
}
