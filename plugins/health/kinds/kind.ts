/** A kind of check: a function that makes the probe, and what several kinds share. */
import type { CheckResult } from '../api.ts'
import type { CheckConfig } from '../check-config.ts'
import type { Probe, ProbeTools } from '../checks/check.ts'

/** The options of a check of this kind, as its schema in check-config.ts gives them. */
export type ConfigOf<K extends CheckConfig['kind']> = Extract<CheckConfig, { kind: K }>

/** Makes the probe; the probe's first run opens connections. */
export type Kind<K extends CheckConfig['kind']> = (config: ConfigOf<K>, tools: ProbeTools) => Probe
export type AnyKind = (config: never, tools: ProbeTools) => Probe

/** A probe with one connection that is kept between runs. A run that fails or is aborted closes the connection. */
export function keptConnection<C>(
  open: () => Promise<C>,
  ask: (connection: C) => Promise<CheckResult>,
  end: (connection: C) => void,
): Probe {
  let kept: C | undefined
  const close = () => {
    const ending = kept
    kept = undefined
    if (ending !== undefined) end(ending)
  }
  return {
    close,
    async run(signal) {
      signal.addEventListener('abort', close, { once: true })
      try {
        kept ??= await open()
        signal.throwIfAborted()
        return await ask(kept)
      } catch (thrown) {
        close()
        throw thrown
      } finally {
        signal.removeEventListener('abort', close)
      }
    },
  }
}

interface Connecting {
  destroy(): unknown
  once(event: string, listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** @param read takes the result from the connected socket @throws the socket's error; the reason of an abort */
export function onceConnected<S extends Connecting, T>(
  socket: S,
  event: string,
  signal: AbortSignal,
  read: (socket: S) => T,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const aborted = () => reject(signal.reason)
  signal.addEventListener('abort', aborted, { once: true })
  socket.once(event, () => {
    try {
      resolve(read(socket))
    } catch (error) {
      reject(error)
    }
  })
  socket.on('error', reject)
  return promise.finally(() => {
    signal.removeEventListener('abort', aborted)
    socket.destroy()
  })
}

type Verdict = Pick<CheckResult, 'status' | 'message'>

const rank = { up: 0, degraded: 1, down: 2 } as const

/** @returns the worst of the findings, `up` without any; of equals the first */
export function worst(...findings: (Verdict | false | undefined)[]): Verdict {
  let result: Verdict = { status: 'up' }
  for (const finding of findings) if (finding && rank[finding.status] > rank[result.status]) result = finding
  return result
}

/** @param share 0-1 @returns `83 %` */
export const percent = (share: number): string => `${Math.round(share * 100)} %`
