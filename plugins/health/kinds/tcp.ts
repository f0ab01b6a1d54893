/** A TCP connection that is accepted. */
import { connect } from 'node:net'
import { type Kind, onceConnected } from './kind.ts'

export const tcp: Kind<'tcp'> = ({ host, port }) => ({
  run: (signal) => onceConnected(connect({ host, port }), 'connect', signal, () => ({ status: 'up' })),
})
