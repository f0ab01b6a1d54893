/** One running host plugin: contributes the collectors of its configuration and answers `Host.sample()`. */
import type { Contribution, EventLoop, PluginClock, Workers } from '../../core/plugin.ts'
import { type Collector, collector } from '../metrics/api.ts'
import type { Host } from './api.ts'
import { hostCollectors, hostContext, processCollectors } from './collectors/index.ts'
import type { HostContext } from './collectors/source.ts'
import type { HostSection } from './config.ts'
import { Sampler } from './sample.ts'

/** Below the 250 ms between the two readings of the first CPU collection. */
const freshMs = 200

export interface HostInstanceOptions {
  readonly config: HostSection
  readonly eventLoop: EventLoop
  readonly clock: PluginClock
  readonly workers: Workers
  contribute(contribution: Contribution): () => void
}

export class HostInstance {
  readonly #options: HostInstanceOptions
  readonly #sampler = new Sampler()
  #config: HostSection | undefined
  #context!: HostContext
  #withdrawHost = () => {}
  #withdrawProcess = () => {}
  readonly service: Host = { sample: (path) => this.#sampler.take(this.#context, path) }

  constructor(options: HostInstanceOptions) {
    this.#options = options
    this.apply(options.config)
  }

  /** Contributes the collectors of what changed, then withdraws those from before, so that their series continue. */
  apply(next: HostSection): void {
    const { eventLoop, clock, workers } = this.#options
    const { process } = next
    if (!Bun.deepEquals({ ...this.#config, process }, next)) {
      this.#context = hostContext({ config: next, clock, workers, freshMs })
      this.#withdrawHost = this.#replace(hostCollectors(this.#context, this.#context), this.#withdrawHost)
    }
    if (!Bun.deepEquals(this.#config?.process, process)) {
      const collectors = processCollectors(eventLoop, process.every)
      this.#withdrawProcess = this.#replace(collectors, this.#withdrawProcess)
    }
    this.#config = next
  }

  #replace(collectors: readonly Collector[], withdraw: () => void): () => void {
    const undo = collectors.map((each) => this.#options.contribute(collector(each)))
    withdraw()
    return () => {
      for (const each of undo) each()
    }
  }
}
