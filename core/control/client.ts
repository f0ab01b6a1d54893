/** The client side of the control socket. */
import { ArkwatchError, coreError, messageOf } from '../contract/errors.ts'
import { lockHolder } from '../process/data-lock.ts'
import { type ControlProblem, controlSocket, maxControlBodyBytes } from './protocol.ts'

export interface ControlClient {
  /**
   * Runs a command of the process.
   * @throws NOT_RUNNING, CONTROL_ABSENT, CONTROL_CUT_OFF, CONTROL_TIMEOUT, or the error of the command
   */
  call<Result = unknown>(command: string, args?: Readonly<Record<string, unknown>>): Promise<Result>
}

const notListening = new Set(['ENOENT', 'ECONNREFUSED', 'ConnectionRefused', 'FailedToOpenSocket', 'ENOTDIR'])

/** @param timeoutMs how long a command may take */
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
        if (code !== undefined && notListening.has(code)) {
          const pid = lockHolder(dataDir)
          if (pid !== undefined) throw coreError('CONTROL_ABSENT', { pid, data: dataDir }, thrown)
          throw coreError('NOT_RUNNING', { socket }, thrown)
        }
        const reason = messageOf(thrown).replace(/ For more information.*/, '')
        throw coreError('CONTROL_CUT_OFF', { command, reason }, thrown)
      }
      if (response.ok) return JSON.parse(text) as Result
      if (response.status === 413) {
        const reason = `the arguments are over ${maxControlBodyBytes} bytes`
        throw coreError('CONTROL_BAD_REQUEST', { command, reason })
      }
      const { code, detail, help, problems, errors } = JSON.parse(text) as ControlProblem
      throw new ArkwatchError(code, detail, help, { ...(problems && { problems }), ...(errors && { errors }) })
    },
  }
}
