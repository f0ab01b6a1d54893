/** A TCP connection that is accepted. */
import { connect } from 'node:net'
import type { CheckResult } from '../api.ts'
import type { Kind } from './kind.ts'

export const tcp: Kind<'tcp'> = {
  name: 'tcp',
  timesLatency: true,
  open({ host, port }) {
    return {
      close: () => {},
      run: (signal) =>
        new Promise<CheckResult>((resolve, reject) => {
          const socket = connect({ host, port })
          const end = (settle: () => void) => {
            socket.destroy()
            signal.removeEventListener('abort', aborted)
            settle()
          }
          const aborted = () => end(() => reject(signal.reason))
          signal.addEventListener('abort', aborted, { once: true })
          socket.once('connect', () => end(() => resolve({ status: 'up' })))
          socket.on('error', (error) => end(() => reject(error)))
        }),
    }
  },
}
