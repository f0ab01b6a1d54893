/** The command line in a temporary folder: in this process, and as a process of its own. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from '../../cli/program.ts'
import { recordingEnv } from '../support/raised-codes.ts'

/** For `setDefaultTimeout`: a test starts several processes, which takes its time on a busy machine. */
export const commandTimeoutMs = 60_000

const entry = join(import.meta.dir, '../../cli/arkwatch.ts')

export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  /** Resolves with everything written so far once it matches. */
  readonly seen: (pattern: RegExp) => Promise<string>
  /** Everything written, once it has ended. */
  readonly ended: Promise<Ran>
}

export interface CommandFolder {
  readonly folder: string
  write(name: string, text: string): Promise<string>
  /** Runs a command in this process, which saves the start of another. */
  run(...argv: string[]): Promise<Ran>
  /** Starts a process. */
  start(...argv: string[]): Running
  [Symbol.asyncDispose](): Promise<void>
}

/** @param env is all that the command sees, besides PATH and HOME */
export function commandFolder(env: Record<string, string> = {}): CommandFolder {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'arkwatch-cli-')))
  const children = new Set<Running['child']>()
  const seenEnv = { PATH: process.env.PATH, HOME: folder, ...env }
  const start = (...argv: string[]): Running => {
    const child = Bun.spawn([process.execPath, entry, ...argv], {
      cwd: folder,
      env: { ...recordingEnv(), ...seenEnv },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    children.add(child)
    const text = { stdout: '', stderr: '' }
    let done = false
    let wake = Promise.withResolvers<void>()
    const read = async (name: keyof typeof text) => {
      const decoder = new TextDecoder()
      for await (const chunk of child[name]) {
        text[name] += decoder.decode(chunk, { stream: true })
        wake.resolve()
        wake = Promise.withResolvers()
      }
    }
    const ended = Promise.all([read('stdout'), read('stderr'), child.exited]).then(([, , exitCode]) => {
      children.delete(child)
      done = true
      wake.resolve()
      return { exitCode, ...text }
    })
    return {
      child,
      ended,
      async seen(pattern) {
        for (;;) {
          const all = text.stdout + text.stderr
          if (pattern.test(all)) return all
          if (done) throw new Error(`it ended without ${pattern}:\n${all}`)
          await wake.promise
        }
      },
    }
  }
  return {
    folder,
    start,
    write: async (name, text) => {
      await Bun.write(join(folder, name), text)
      return join(folder, name)
    },
    async run(...argv) {
      const text = { stdout: '', stderr: '' }
      const into = (name: keyof typeof text) => ({
        write(chunk: string, written?: () => void) {
          text[name] += chunk
          written?.()
        },
      })
      const host = { env: seenEnv, cwd: () => folder, stdout: into('stdout'), stderr: into('stderr') }
      return { exitCode: await runCli(argv, host), ...text }
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all([...children].map(({ exited }) => exited))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Runs a command again until it prints what is wanted: what happens in another process cannot be awaited otherwise. */
export async function printed(run: () => Promise<Ran>, pattern: RegExp): Promise<RegExpExecArray> {
  for (let turn = 0; turn < 500; turn += 1) {
    const found = pattern.exec((await run()).stdout)
    if (found !== null) return found
    await Bun.sleep(20)
  }
  throw new Error(`it never prints ${pattern}:\n${(await run()).stdout}`)
}

const contract = join(import.meta.dir, '../../core/plugin.ts')

/**
 * The source of a plugin module for tests.
 *
 * @param parts the object that `setup` returns, as source
 * @param fields further fields of the definition, as source
 */
export const pluginSource = (name: string, parts: string, fields = ''): string => `
import { definePlugin, z } from ${JSON.stringify(contract)}
export default definePlugin({
  api: 1, name: '${name}', version: '1.2.3', summary: 'For a test.',
  config: z.strictObject({
    text: z.string().default('hello').describe('A text.'),
    count: z.int().default(1).describe('A number.'),
    token: z.string().meta({ writeOnly: true }).optional().describe('A secret.'),
  }),
  ${fields}
  setup: ({ log, config, clock, signal }) => (${parts}),
})
`
