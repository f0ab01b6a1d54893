/** The certificate that a TLS server shows: trusted, and valid for long enough. */
import { isIP } from 'node:net'
import { connect, type PeerCertificate } from 'node:tls'
import { readInTurn } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'
import { type ConfigOf, type Kind, onceConnected, worst } from './kind.ts'

const dayMs = 86_400_000

type CertificateLimits = Pick<ConfigOf<'tls'>, 'verify' | 'degradedBelow' | 'downBelow'>

const days = (ms: number): string => `${(ms / dayMs).toFixed(1)} days`

/** @param nowMs epoch ms @returns the verdict, with age and remaining validity in days as details */
export function evaluateCertificate(
  facts: Awaited<ReturnType<typeof certificateOf>>,
  nowMs: number,
  limits: CertificateLimits,
): CheckResult {
  const leftMs = facts.validToMs - nowMs
  const ageMs = nowMs - facts.validFromMs
  const verdict = worst(
    ageMs < 0 && { status: 'down', message: `certificate is not valid for another ${days(-ageMs)}` },
    leftMs <= 0 && { status: 'down', message: `certificate expired ${days(-leftMs)} ago` },
    limits.verify && facts.distrust !== undefined && { status: 'down', message: `not trusted: ${facts.distrust}` },
    leftMs < limits.downBelow && { status: 'down', message: `certificate expires in ${days(leftMs)}` },
    leftMs < limits.degradedBelow && { status: 'degraded', message: `certificate expires in ${days(leftMs)}` },
  )
  const round = (ms: number) => Math.round((ms / dayMs) * 10) / 10
  return { ...verdict, details: { expiresInDays: round(leftMs), ageDays: round(ageMs) } }
}

/** @returns the certificate that a server shows, trusted or not @throws what the connection throws */
export function certificateOf(
  host: string,
  port: number,
  servername: string,
  ca: string | undefined,
  signal: AbortSignal,
) {
  const name = isIP(servername) === 0 && { servername }
  const socket = connect({ host, port, rejectUnauthorized: false, ...name, ...(ca && { ca }) })
  return onceConnected(socket, 'secureConnect', signal, () => {
    const certificate: PeerCertificate | undefined = socket.getPeerCertificate()
    if (!certificate?.valid_to) throw new Error('server shows no certificate')
    return {
      validFromMs: Date.parse(certificate.valid_from),
      validToMs: Date.parse(certificate.valid_to),
      // Why the certificate is not trusted; undefined if trusted.
      distrust: socket.authorized ? undefined : String(socket.authorizationError ?? 'unknown reason'),
    }
  })
}

export const tls: Kind<'tls'> = (config, { now }) => ({
  async run(signal) {
    const { host, port, servername = host, caFile } = config
    const ca = caFile === undefined ? undefined : await readInTurn(caFile)
    return evaluateCertificate(await certificateOf(host, port, servername, ca, signal), now(), config)
  },
})
