/** The separate listener of the exposition. A move keeps the old one open until the reload has ended. */
import type { Listener, Runtime } from '../../core/plugin.ts'
import type { MetricsConfig } from './config.ts'

type Listen = MetricsConfig['listen']

interface Opened {
  readonly listen: Listen
  readonly listener: Listener
}

export class OwnListener {
  #present: Opened | undefined
  /** That of the configuration before, until the reload has ended. */
  #left: Opened | undefined

  constructor(
    private readonly runtime: Pick<Runtime, 'listen'>,
    private readonly fetch: (request: Request) => Response | Promise<Response>,
  ) {}

  /** Opens what the configuration wants, unless a rollback finds it open. @throws LISTEN_FAILED */
  async apply(listen: Listen): Promise<void> {
    const [before, left] = [this.#present, this.#left]
    if (Bun.deepEquals(listen, before?.listen)) return
    this.#present = Bun.deepEquals(listen, left?.listen) ? left : await this.#open(listen)
    this.#left = before
  }

  async #open(listen: Listen): Promise<Opened | undefined> {
    if (listen === undefined) return undefined
    const { runtime, fetch } = this
    // A new instance of the plugin listens while the old one still does.
    return { listen, listener: await runtime.listen({ name: 'metrics', ...listen, shared: true, fetch }) }
  }

  /** Closes the listener of the configuration that is no longer in force. */
  async settled(): Promise<void> {
    const left = this.#left
    this.#left = undefined
    await left?.listener.close()
  }

  async stop(): Promise<void> {
    await Promise.all([this.settled(), this.#present?.listener.close()])
  }
}
