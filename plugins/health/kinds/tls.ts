/** The certificate that a TLS server shows: trusted, and valid for long enough. */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { connect, type PeerCertificate } from 'node:tls'
import type { CheckResult } from '../api.ts'
import type { Kind } from './kind.ts'
import { worst } from './kind.ts'

const dayMs = 86_400_000

export interface CertificateFacts {
  readonly validFromMs: number
  readonly validToMs: number
  /** Why it is not trusted, if it is not. */
  readonly distrust: string | undefined
}

export interface CertificateLimits {
  readonly verify: boolean
  /** Remaining validity in ms. */
  readonly degradedBelow: number
  /** Remaining validity in ms. */
  readonly downBelow: number
}

const days = (ms: number): string => `${(ms / dayMs).toFixed(1)} days`

/** @param nowMs epoch ms @returns the verdict, with age and remaining validity in days as details */
export function evaluateCertificate(facts: CertificateFacts, nowMs: number, limits: CertificateLimits): CheckResult {
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

interface Target {
  readonly host: string
  readonly port: number
  readonly servername: string
  readonly ca: string | undefined
}

/** @returns the certificate that a server shows, trusted or not @throws what the connection throws */
export function certificateOf({ host, port, servername, ca }: Target, signal: AbortSignal): Promise<CertificateFacts> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(isIP(servername) === 0 && { servername }),
      ...(ca && { ca }),
    })
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', aborted)
      socket.destroy()
      settle()
    }
    const aborted = () => end(() => reject(signal.reason))
    signal.addEventListener('abort', aborted, { once: true })
    socket.on('error', (error) => end(() => reject(error)))
    socket.once('secureConnect', () => {
      const certificate: PeerCertificate | undefined = socket.getPeerCertificate()
      const distrust = socket.authorized ? undefined : String(socket.authorizationError ?? 'unknown reason')
      if (!certificate?.valid_to) return end(() => reject(new Error('server shows no certificate')))
      end(() =>
        resolve({
          validFromMs: Date.parse(certificate.valid_from),
          validToMs: Date.parse(certificate.valid_to),
          distrust,
        }),
      )
    })
  })
}

export const tls: Kind<'tls'> = {
  name: 'tls',
  timesLatency: true,
  open(config, { now }) {
    const { host, port, servername = host, caFile } = config
    return {
      close: () => {},
      async run(signal) {
        const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8')
        return evaluateCertificate(await certificateOf({ host, port, servername, ca }, signal), now(), config)
      },
    }
  },
}
