/** The API's own listener, and its certificate, which may change while it listens. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Listener, type Logger, messageOf, type PluginClock, type Runtime } from '../../../core/plugin.ts'
import type { AdminConfig } from '../config.ts'
import { adminError } from '../errors.ts'
import { maxBodyBytes } from './body.ts'

type Listen = NonNullable<AdminConfig['listen']>

export interface OwnListenerOptions {
  readonly listen: Listen
  readonly runtime: Pick<Runtime, 'listen'>
  /** Relative paths begin here. */
  readonly dataDir: string
  readonly clock: PluginClock
  readonly log: Logger
  fetch(request: Request, server: unknown): Promise<Response>
}

const lookMs = 10_000
const drainMs = 10_000
/** Event streams that were opened with the old certificate continue for so long. */
const oldCertificateMs = 3_600_000

export class OwnListener {
  #listener: Listener | undefined
  #pem = ''

  constructor(private readonly options: OwnListenerOptions) {}

  /** @throws LISTEN_FAILED, ADMIN_TLS */
  async start(): Promise<void> {
    const tls = await this.#certificate()
    this.#pem = JSON.stringify(tls)
    this.#listener = await this.#open(this.options.listen.port, tls)
    if (tls !== undefined) this.options.clock.every(lookMs, () => this.renew())
  }

  async #certificate(): Promise<{ cert: string; key: string } | undefined> {
    const { listen, dataDir } = this.options
    if (listen.tls === undefined) return undefined
    try {
      const [cert, key] = await Promise.all(
        [listen.tls.cert, listen.tls.key].map((file) => readFile(resolve(dataDir, file), 'utf8')),
      )
      return { cert: cert!, key: key! }
    } catch (error) {
      throw adminError('ADMIN_TLS', { reason: messageOf(error) }, error)
    }
  }

  #open(port: number, tls: { cert: string; key: string } | undefined): Promise<Listener> {
    const { listen, runtime, dataDir, fetch } = this.options
    const unix = listen.unix === undefined ? {} : { unix: resolve(dataDir, listen.unix) }
    const address = { host: listen.host, port, ...unix, ...(tls && { tls }) }
    // A new instance of the plugin, and a new certificate, take the port over while the old one still has it.
    return runtime.listen({ name: 'admin', ...address, shared: true, maxBodyBytes, fetch })
  }

  /** Takes a certificate that has changed; a bad one leaves the old one in force. */
  async renew(): Promise<void> {
    const { log } = this.options
    try {
      const tls = await this.#certificate()
      const pem = JSON.stringify(tls)
      if (pem === this.#pem) return
      const old = this.#listener
      this.#listener = await this.#open(Number(new URL(old!.url).port), tls)
      this.#pem = pem
      log.info('the certificate of the admin API was renewed')
      void old?.close(oldCertificateMs)
    } catch (error) {
      log.error('the certificate of the admin API cannot be renewed; the old one stays', { error })
    }
  }

  async stop(): Promise<void> {
    await this.#listener?.close(drainMs)
    this.#listener = undefined
  }
}
