/** One question to a TCP port: connect, send, take the first bytes. */
import { systemClock } from '../../core/process/clock.ts'

interface Question {
  readonly host: string
  readonly port: number
  /** Nothing where the server speaks first. */
  readonly send?: Uint8Array
  readonly timeoutMs: number
}

const maxAnswerBytes = 4_096

/** @returns the first bytes of the answer, or undefined if there is none in time */
export function ask({ host, port, send, timeoutMs }: Question): Promise<Uint8Array | undefined> {
  const answer = Promise.withResolvers<Uint8Array | undefined>()
  const cancel = systemClock.after(timeoutMs, () => answer.resolve(undefined))
  const none = () => answer.resolve(undefined)
  const connecting = Bun.connect({
    hostname: host,
    port,
    socket: {
      open: (socket) => void (send && socket.write(send)),
      data: (_, bytes) => answer.resolve(bytes.subarray(0, maxAnswerBytes)),
      close: none,
      error: none,
      connectError: none,
    },
  })
  connecting.catch(none)
  return answer.promise.finally(() => {
    cancel()
    connecting.then(
      (socket) => socket.terminate(),
      () => {},
    )
  })
}
