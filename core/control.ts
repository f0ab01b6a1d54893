/** The control socket: how the CLI talks to the running instance. One POST a command, JSON in and out. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from './config/types.ts'
import { ArkwatchError, coreError, messageOf } from './errors.ts'
import type { Logger } from './log.ts'
import type { ControlCommand } from './runtime-api.ts'

export const maxControlBodyBytes = 1024 * 1024
export const maxControlCommands = 32

/** Absolute path of the socket of a data folder. */
export const controlSocket = (dataDir: string): string => join(dataDir, 'arkwatch.sock')

export interface ControlOptions {
  readonly dataDir: string
  /** The commands of this moment, by name. */
  commands(): ReadonlyMap<string, ControlCommand>
  readonly log: Logger
}

export interface ControlServer {
  readonly socket: string
  /** Closes the socket and removes its file; commands under way are cut off. */
  stop(): Promise<void>
}

/** The body of an error answer (RFC 9457). */
interface ControlProblem {
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly help: string
  /** Of the configuration, where that is what is wrong. */
  readonly problems?: readonly Problem[]
}

const problemsOf = (thrown: unknown): readonly Problem[] | undefined => {
  const { problems } = thrown as { problems?: unknown }
  return Array.isArray(problems) ? problems : undefined
}

function refuse(status: number, error: ArkwatchError): Response {
  const problems = problemsOf(error)
  const body: ControlProblem = {
    title: 'command refused',
    status,
    detail: error.message,
    code: error.code,
    help: error.help,
    ...(problems && { problems }),
  }
  return Response.json(body, { status, headers: { 'content-type': 'application/problem+json' } })
}

async function readArguments(request: Request, command: string): Promise<Record<string, unknown>> {
  const bad = (reason: string, cause?: unknown) => coreError('CONTROL_BAD_REQUEST', { command, reason }, cause)
  const text = await request.text()
  if (text === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    throw bad('the body is no JSON', thrown)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('the body is no JSON object')
  return value as Record<string, unknown>
}

/**
 * Opens `data/arkwatch.sock`, readable by its owner alone. A socket file that is there already is replaced: call this
 * only while holding the folder by `lockData`, which proves that the file is a leftover.
 *
 * @throws CONTROL_LISTEN_FAILED
 */
export function startControl({ dataDir, commands, log }: ControlOptions): ControlServer {
  const socket = controlSocket(dataDir)
  let running = 0

  const answer = async (request: Request): Promise<Response> => {
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1))
    if (request.method !== 'POST') {
      return refuse(405, coreError('CONTROL_BAD_REQUEST', { command: name, reason: `${request.method} is not POST` }))
    }
    const command = commands().get(name)
    if (command === undefined) {
      const known = [...commands().keys()].sort().join(', ')
      return refuse(404, coreError('CONTROL_UNKNOWN_COMMAND', { command: name, known }))
    }
    if (running >= maxControlCommands) return refuse(503, coreError('CONTROL_BUSY', { limit: maxControlCommands }))
    running += 1
    try {
      return Response.json((await command.run(await readArguments(request, name))) ?? null)
    } catch (thrown) {
      if (thrown instanceof ArkwatchError) return refuse(thrown.code === 'CONTROL_BAD_REQUEST' ? 400 : 422, thrown)
      log.error(`command ${name} failed`, { error: thrown })
      return refuse(500, coreError('CONTROL_COMMAND_FAILED', { command: name, reason: messageOf(thrown) }, thrown))
    } finally {
      running -= 1
    }
  }

  const previousMask = process.umask(0o177)
  try {
    rmSync(socket, { force: true })
    const server = Bun.serve({
      unix: socket,
      maxRequestBodySize: maxControlBodyBytes,
      fetch(request, self) {
        self.timeout(request, 0)
        return answer(request)
      },
      error: (thrown) => refuse(400, coreError('CONTROL_BAD_REQUEST', { command: '', reason: messageOf(thrown) })),
    })
    return {
      socket,
      async stop() {
        await server.stop(true)
        rmSync(socket, { force: true })
      },
    }
  } catch (thrown) {
    throw coreError('CONTROL_LISTEN_FAILED', { socket, reason: messageOf(thrown) }, thrown)
  } finally {
    process.umask(previousMask)
  }
}

export interface ControlClient {
  /**
   * Runs a command of the running instance.
   *
   * @returns what the command returned, from JSON
   * @throws NOT_RUNNING, CONTROL_TIMEOUT, or the command's own error
   */
  call<Result = unknown>(command: string, args?: Readonly<Record<string, unknown>>): Promise<Result>
}

const notListening = new Set(['ENOENT', 'ECONNREFUSED', 'ConnectionRefused', 'FailedToOpenSocket', 'ENOTDIR'])

/**
 * The client side of the socket of a data folder.
 *
 * @param timeoutMs how long a command may take @default 60_000
 */
export function control(dataDir: string, timeoutMs = 60_000): ControlClient {
  const socket = controlSocket(dataDir)
  return {
    async call<Result>(command: string, args: Readonly<Record<string, unknown>> = {}) {
      let response: Response
      let text: string
      try {
        response = await fetch(`http://arkwatch/${encodeURIComponent(command)}`, {
          unix: socket,
          method: 'POST',
          body: JSON.stringify(args),
          signal: AbortSignal.timeout(timeoutMs),
        })
        text = await response.text()
      } catch (thrown) {
        const { code, name } = thrown as { code?: string; name?: string }
        if (name === 'TimeoutError') throw coreError('CONTROL_TIMEOUT', { command, timeoutMs }, thrown)
        if (code !== undefined && notListening.has(code)) throw coreError('NOT_RUNNING', { socket }, thrown)
        throw coreError('CONTROL_COMMAND_FAILED', { command, reason: messageOf(thrown) }, thrown)
      }
      if (response.ok) return JSON.parse(text) as Result
      if (response.status === 413) {
        throw coreError('CONTROL_BAD_REQUEST', {
          command,
          reason: `the arguments are over ${maxControlBodyBytes} bytes`,
        })
      }
      const { code, detail, help, problems } = JSON.parse(text) as ControlProblem
      throw new ArkwatchError(code, detail, help, problems === undefined ? {} : { problems })
    },
  }
}
