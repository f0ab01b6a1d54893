/** The API's own listener, and its certificate, which may change while it listens. */
import { resolve } from 'node:path'
import {
  type CertificateRead,
  type Listener,
  type Logger,
  messageOf,
  type PluginClock,
  type RunState,
  type Runtime,
  readCertificate,
} from '../../../core/plugin.ts'
import type { AdminConfig } from '../config.ts'
import { adminError } from '../errors.ts'
import { maxBodyBytes } from './body.ts'
import { iso } from './reply.ts'

type Listen = NonNullable<AdminConfig['listen']>
type Files = NonNullable<Listen['tls']>

export interface OwnListenerOptions {
  readonly listen: Listen
  readonly runtime: Pick<Runtime, 'listen'>
  /** Relative paths begin here. */
  readonly dataDir: string
  readonly clock: PluginClock
  readonly log: Logger
  report(state: RunState, reason?: string): void
  fetch(request: Request, server: unknown): Promise<Response>
}

const lookMs = 10_000
const drainMs = 10_000
/** Event streams that were opened with the old certificate continue for so long. */
const oldCertificateMs = 3_600_000

export class OwnListener {
  #listener: Listener | undefined
  #inUse: CertificateRead | undefined

  constructor(private readonly options: OwnListenerOptions) {}

  /** @throws LISTEN_FAILED, ADMIN_TLS */
  async start(): Promise<void> {
    const { listen, clock } = this.options
    const { tls, port } = listen
    this.#inUse = tls && (await this.#certificate(tls))
    this.#listener = await this.#open(port, this.#inUse)
    if (tls !== undefined) clock.every(lookMs, () => this.#look(tls), { immediate: true })
  }

  async #certificate(files: Files): Promise<CertificateRead> {
    const read = await readCertificate(files, this.options.dataDir)
    const reason = read.problems.map(({ what }) => what).join('; ')
    if (reason !== '') throw adminError('ADMIN_TLS', { reason })
    return read
  }

  #open(port: number, tls: Files | undefined): Promise<Listener> {
    const { listen, runtime, dataDir, fetch } = this.options
    const unix = listen.unix === undefined ? {} : { unix: resolve(dataDir, listen.unix) }
    const address = { host: listen.host, port, ...unix, ...(tls && { tls: { cert: tls.cert, key: tls.key } }) }
    // A new instance of the plugin, and a new certificate, take the port over while the old one still has it.
    return runtime.listen({ name: 'admin', ...address, shared: true, maxBodyBytes, fetch })
  }

  /** Takes a changed certificate. One that cannot be used leaves the old one in use, and the plugin degraded. */
  async #look(files: Files): Promise<void> {
    const { clock, log, report } = this.options
    try {
      const next = await this.#certificate(files)
      const old = this.#listener
      const isNew = next.cert !== this.#inUse?.cert || next.key !== this.#inUse.key
      const isExpired = next.expiresAtMs !== undefined && next.expiresAtMs <= clock.now()
      if (isExpired) {
        const reason = `${files.cert} has expired on ${iso(next.expiresAtMs)}`
        if (isNew) throw adminError('ADMIN_TLS', { reason })
        return report('degraded', `the certificate in use, ${reason}`)
      }
      if (isNew && old !== undefined) {
        this.#listener = await this.#open(Number(new URL(old.url).port), next)
        this.#inUse = next
        log.info('the certificate of the admin API was renewed')
        void old.close(oldCertificateMs)
      }
      report('ok')
    } catch (error) {
      report('degraded', `${messageOf(error)}; the old certificate stays in use`)
    }
  }

  async stop(): Promise<void> {
    await this.#listener?.close(drainMs)
    this.#listener = undefined
  }
}
