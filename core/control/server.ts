/** The control socket: how the CLI calls the running process. One POST a command, JSON in and out. */
import { stat } from 'node:fs/promises'
import type { ConfigProblem } from '../contract/config-problem.ts'
import { ArkwatchError, coreError, errorOf, messageOf } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import type { ControlCommand } from '../contract/runtime-api.ts'
import { jsonExcess } from '../http/json-limits.ts'
import { problemResponse } from '../http/problem.ts'
import { serveUnix } from '../http/unix-server.ts'
import { argumentLimits } from './arguments.ts'
import { type ControlProblem, controlSocket, maxControlBodyBytes } from './protocol.ts'

const statuses: Readonly<Record<string, number>> = { CONTROL_BAD_REQUEST: 400, CONTROL_BUSY: 503 }

interface ControlOptions {
  readonly dataDir: string
  /** The present commands. */
  commands(): ReadonlyMap<string, ControlCommand>
  readonly log: Logger
}

export type ControlServer = ReturnType<typeof startControl>

function refuse(status: number, error: ArkwatchError & { readonly problems?: readonly ConfigProblem[] }): Response {
  const { message: detail, code, help, problems, details } = error
  const errors = Array.isArray(details.errors) ? details.errors : undefined
  const title = status === 500 ? 'command failed' : 'command refused'
  const problem = { title, status, detail, code, help, problems, errors }
  return problemResponse(problem satisfies ControlProblem)
}

async function readArguments(request: Request, command: string): Promise<Record<string, unknown>> {
  const bad = (reason: string, cause?: unknown) => coreError('CONTROL_BAD_REQUEST', { command, reason }, cause)
  const text = await request.text().catch((thrown) => {
    // The client has left: nobody reads the answer, and nothing failed here.
    throw bad('the body is not complete', thrown)
  })
  if (text === '') return {}
  const excess = jsonExcess(text, argumentLimits)
  if (excess !== undefined) throw bad(`the body ${excess}`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    throw bad('the body is not JSON', thrown)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('the body is not a JSON object')
  return value as Record<string, unknown>
}

/**
 * Opens `data/arkwatch.sock`, readable by its owner alone. A socket file that exists is replaced: it is a leftover, as
 * the caller holds the data lock. @throws CONTROL_LISTEN_FAILED
 */
export function startControl({ dataDir, commands, log }: ControlOptions) {
  const socket = controlSocket(dataDir)

  const answer = async (request: Request): Promise<Response> => {
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1))
    if (request.method !== 'POST')
      return refuse(405, coreError('CONTROL_BAD_REQUEST', { command: name, reason: `${request.method} is not POST` }))
    const command = commands().get(name)
    if (command === undefined) {
      const known = [...commands().keys()].sort().join(', ')
      return refuse(404, coreError('CONTROL_UNKNOWN_COMMAND', { command: name, known }))
    }
    try {
      return Response.json((await command.run(await readArguments(request, name))) ?? null)
    } catch (thrown) {
      const error = errorOf(thrown)
      if (error instanceof ArkwatchError) return refuse(statuses[error.code] ?? 422, error)
      log.error(`command ${name} failed`, { error: thrown })
      return refuse(500, coreError('CONTROL_COMMAND_FAILED', { command: name, reason: messageOf(thrown) }, thrown))
    }
  }

  const open = () => {
    try {
      return serveUnix(socket, {
        maxRequestBodySize: maxControlBodyBytes,
        fetch(request, self) {
          self.timeout(request, 0)
          return answer(request)
        },
        error: (thrown) => refuse(400, coreError('CONTROL_BAD_REQUEST', { command: '', reason: messageOf(thrown) })),
      })
    } catch (thrown) {
      throw coreError('CONTROL_LISTEN_FAILED', { socket, reason: messageOf(thrown) }, thrown)
    }
  }
  let server = open()
  let isStopped = false
  let failure: string | undefined
  return {
    socket,
    /** Opens the socket again where its file was removed or replaced. Never rejects; logs a failure once. */
    async keep(): Promise<void> {
      const seen = await stat(socket).catch(() => undefined)
      if (isStopped || seen?.ino === server.ino) return
      try {
        const before = server
        server = open()
        void before.stop()
        failure = undefined
        log.warn('the control socket was removed or replaced, and is opened again', { socket })
      } catch (error) {
        if (failure !== messageOf(error)) log.error('the control socket is not open', { error })
        failure = messageOf(error)
      }
    },
    /** Closes the socket and removes its file; commands in progress are cut off. */
    stop() {
      isStopped = true
      return server.stop(true)
    },
  }
}
