/** The service as its holders get it: each instance of a plugin, and the application, which outlives all instances. */
import { extensionPoint, type Holder } from '../../core/plugin.ts'
import type { Metrics } from './api.ts'
import { metricsError } from './errors.ts'
import type { Format } from './exposition/format.ts'
import { createPace } from './exposition/pace.ts'
import { Reader, type ReaderSource } from './exposition/series-reader.ts'
import { visitAll } from './exposition/write.ts'
import { type FamilyOwnership, Owner } from './storage/ownership.ts'

/** The instance of metrics that runs. */
export interface Present extends ReaderSource {
  expose(format: Format): Promise<Buffer>
}

/** An instance that holds the service: its metrics are exposed while its contributions are published. */
export const ownerPoint = extensionPoint<Owner>('metrics.owner')

/** @param present asked at each call @throws METRICS_STOPPED */
export const serviceOf = (owner: Owner, present: () => Present): Metrics => ({
  ...owner.metrics,
  async visit(visit) {
    const { clock, collect } = present()
    await visitAll(await collect(), createPace(clock), visit)
  },
  reader: (callbacks) => new Reader(present, callbacks),
  expose: async (format = 'prometheus') => (await present().expose(format)).toString(),
  get registry() {
    return owner.prom.registry
  },
})

const applications = new WeakMap<object, Application>()

/** The metrics that the application registers in one runtime. A restart of metrics does not end them. */
export class Application {
  readonly #service: Metrics
  readonly #owner: Owner
  #present: Present | undefined

  private constructor(home: FamilyOwnership) {
    this.#owner = new Owner(home, undefined, true)
    this.#service = serviceOf(this.#owner, () => this.present)
  }

  static of(runtime: object, home: FamilyOwnership): Application {
    const application = applications.get(runtime) ?? new Application(home)
    applications.set(runtime, application)
    return application
  }

  get present(): Present {
    if (this.#present === undefined) throw metricsError('METRICS_STOPPED')
    return this.#present
  }

  /** @param holder undefined for the application */
  serviceFor(holder: Holder | undefined, home: FamilyOwnership): Metrics {
    if (holder === undefined) return this.#service
    const owner = home.instance(holder.name)
    holder.contribute(ownerPoint(owner))
    holder.defer(() => owner.release())
    return serviceOf(owner, () => this.present)
  }

  /** Takes the metrics to the instance that runs from now on. @returns why a family is left out */
  moveTo(home: FamilyOwnership, present: Present): Error | undefined {
    this.#present = present
    return home.adopt(this.#owner)
  }

  leave(present: Present): void {
    if (this.#present === present) this.#present = undefined
  }
}
