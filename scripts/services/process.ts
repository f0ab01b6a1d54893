/** One server process: started as an unprivileged user, waited for until it answers, stopped by pid. */

import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { systemClock } from '../../core/process/clock.ts'

export interface ServerCommand {
  readonly name: string
  readonly command: readonly string[]
  /** The server writes its output here. */
  readonly logFile: string
  /** The account it runs as when we are root; undefined keeps ours. */
  readonly user?: string
  /** True when it must outlive this process; otherwise it dies with it, however that ends. */
  readonly detached?: boolean
  /** The signal the system sends when this process dies, and `stop` sends. @default TERM */
  readonly stopSignal?: 'TERM' | 'QUIT' | 'INT'
  /** Set where the command is a Docker client: the file it writes its container's id to. */
  readonly containerFile?: string
  /** Asks the server; resolves true when it serves. May throw. */
  ready(): Promise<boolean>
}

export interface Server {
  readonly pid: number
  /** Ends it in order, by KILL after 10 s. Safe to call twice. */
  stop(): Promise<void>
  /** Ends it as a crash would. Resolves when the process is gone. */
  kill9(): Promise<void>
}

const isRoot = process.getuid?.() === 0
const hasSetpriv = Bun.which('setpriv') !== null
const startTimeoutMs = 60_000

/** Whether a process runs. One that has ended counts as gone, even where nobody has collected its exit code (a zombie). */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'latin1') : ''
    return !'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2).charAt(0) || '-')
  } catch {
    return false
  }
}

/** The command as `user`, and bound to the life of this process where `dieWith` names a signal. One process, no launcher left behind. */
export function wrapCommand(command: readonly string[], user: string | undefined, dieWith?: string): string[] {
  const dropsRoot = isRoot && user !== undefined
  if (!hasSetpriv) {
    if (dropsRoot)
      throw new Error(
        'root cannot start the servers without `setpriv` (package util-linux): install it, or run as another user',
      )
    return [...command]
  }
  const options = [
    ...(dropsRoot ? [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'] : []),
    ...(dieWith === undefined ? [] : [`--pdeathsig=${dieWith}`]),
  ]
  return options.length === 0 ? [...command] : ['setpriv', ...options, ...command]
}

/** Runs a set-up command to its end. @throws with its output when it fails */
export async function runToEnd(command: readonly string[], user?: string): Promise<void> {
  const child = Bun.spawn(wrapCommand(command, user), { cwd: '/', stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (code !== 0) throw new Error(`${command[0]} exited with ${code}:\n${out}${err}`)
}

const logTail = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-25).join('\n') : '')

/** @throws when the process ends, or does not serve within 60 s; the message carries the end of its log */
export async function startServer(server: ServerCommand): Promise<Server> {
  const signal = server.stopSignal ?? 'TERM'
  const log = openSync(server.logFile, 'a')
  const child = Bun.spawn(wrapCommand(server.command, server.user, server.detached ? undefined : signal), {
    cwd: '/',
    stdin: 'ignore',
    stdout: log,
    stderr: log,
    detached: server.detached ?? false,
  })
  closeSync(log)
  if (server.detached) child.unref()
  const handle: Server = {
    pid: child.pid,
    stop: () => stopProcess(child.pid, signal),
    async kill9() {
      if (server.containerFile !== undefined) await killContainer(server.containerFile)
      const children = childrenOf(child.pid)
      child.kill('SIGKILL')
      await child.exited
      await ended(children)
    },
  }
  const deadlineMs = systemClock.monotonic() + startTimeoutMs
  while (child.exitCode === null && child.signalCode === null) {
    if (await server.ready().catch(() => false)) return handle
    if (systemClock.monotonic() > deadlineMs) {
      await handle.stop()
      throw new Error(`${server.name} did not answer within ${startTimeoutMs} ms:\n${logTail(server.logFile)}`)
    }
    await systemClock.sleep(25)
  }
  throw new Error(`${server.name} ended with ${child.exitCode ?? child.signalCode}:\n${logTail(server.logFile)}`)
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).map(Number)
  } catch {
    return []
  }
}

/** PostgreSQL does not start again while a child of the killed one still ends. */
async function ended(pids: readonly number[]): Promise<void> {
  const deadlineMs = systemClock.monotonic() + 5_000
  while (pids.some((pid) => pid > 0 && isAlive(pid)) && systemClock.monotonic() < deadlineMs) await systemClock.sleep(5)
}

async function killContainer(file: string): Promise<void> {
  const id = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  if (id !== '') await Bun.spawn(['docker', 'kill', '--signal=KILL', id], { stdout: 'ignore', stderr: 'ignore' }).exited
}

/** Signals a process and waits until it is gone; KILL after 10 s. */
export async function stopProcess(pid: number, signal: 'TERM' | 'QUIT' | 'INT' = 'TERM'): Promise<void> {
  if (!isAlive(pid)) return
  process.kill(pid, `SIG${signal}`)
  const deadlineMs = systemClock.monotonic() + 10_000
  while (isAlive(pid)) {
    if (systemClock.monotonic() > deadlineMs) process.kill(pid, 'SIGKILL')
    await systemClock.sleep(20)
  }
}
