/** `arkwatch start` as a process of its own, on free ports, in a temporary folder. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { freePort } from '../../scripts/services/free-port.ts'
import { recordingEnv } from './raised-codes.ts'

const entry = join(import.meta.dir, '../../cli/arkwatch.ts')

export interface ArkwatchProcess {
  readonly url: string
  readonly folder: string
  readonly configFile: string
  readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  /** Writes another config.yaml, on the same port. */
  write(config: Record<string, unknown>): Promise<void>
  /** Runs a command of the CLI against it. */
  cli(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }>
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number>
  [Symbol.asyncDispose](): Promise<void>
}

/** @param config as config.yaml; `server` and `data` are filled in @returns once /livez answers */
export async function startArkwatch(
  config: Record<string, unknown>,
  env: Record<string, string> = {},
): Promise<ArkwatchProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'arkwatch-e2e-'))
  const configFile = join(folder, 'config.yaml')
  const port = await freePort()
  const write = async (next: Record<string, unknown>) => {
    const server = { host: '127.0.0.1', port, drainDelay: '0s', ...(next.server as object) }
    await Bun.write(configFile, stringify({ ...next, server }))
  }
  await write(config)
  const clean = { PATH: process.env.PATH, HOME: folder, ...recordingEnv(), ...env }
  const spawn = (args: string[]) =>
    Bun.spawn([process.execPath, entry, ...args, '-c', configFile], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: clean,
    })
  const child = spawn(['start'])
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(`${url}/livez`).then(
      () => true,
      () => false,
    )
  while (!(await answers())) {
    if (child.exitCode !== null)
      throw new Error(`it ended with ${child.exitCode}: ${await new Response(child.stderr).text()}`)
    // Readiness of another process cannot be awaited otherwise.
    await Bun.sleep(10)
  }
  const stop = async () => {
    child.kill('SIGTERM')
    const exitCode = await child.exited
    rmSync(folder, { recursive: true, force: true })
    return exitCode
  }
  return {
    ...{ url, folder, configFile, child, write, stop },
    async cli(...args) {
      const run = spawn(args)
      const [stdout, stderr] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()])
      return { exitCode: await run.exited, stdout, stderr }
    },
    [Symbol.asyncDispose]: async () => {
      await stop()
    },
  }
}
