/**
 * The two ways in which plugins meet: service tokens for calls, extension points for registration.
 * Both match by id, so that a second copy of a module still means the same thing.
 */
import { checkFunction } from './foreign/calls.ts'
import { type Shape, shapeProblem, unknownKind } from './foreign/shape.ts'
import { show } from './redact/redactor.ts'

/** A typed name for a service. Tokens in `needs` and `wants` make the start order. */
export interface ServiceToken<T> {
  readonly kind: 'service'
  readonly id: string
  /** Carries the type only; never set. */
  readonly type?: T
}

/** @param id unique name, the plugin's name or `plugin.part` */
export const service = <T>(id: string): ServiceToken<T> => ({ kind: 'service', id })

/** Who receives a service: one instance of a plugin, with the contributions and undos that live as long. */
export interface Holder {
  readonly name: string
  /** Adds a contribution, published and withdrawn with those of the holder. @returns removes the contribution */
  contribute(contribution: Contribution): () => void
  /** Registers an undo, run when the holder has stopped. */
  defer(undo: () => void): void
}

const makes = Symbol.for('arkwatch.perHolder')

/** A service of which every holder gets an object of its own. */
export interface PerHolder<T> {
  /** @param holder undefined for the application */
  readonly [makes]: (holder: Holder | undefined) => T
}

/**
 * Declares that each holder gets its own object, so that the provider knows who calls.
 * @param make called in the `setup` of each holder, and for each look-up of the application
 */
export function perHolder<T>(make: (holder: Holder | undefined) => T): PerHolder<T> {
  checkFunction('perHolder', make)
  return { [makes]: make }
}

const isPerHolder = (service: unknown): service is PerHolder<unknown> =>
  typeof service === 'object' && service !== null && makes in service

/** @returns the service with each object for a holder made through `around`; another service as it is */
export const madeThrough = (
  service: unknown,
  around: (make: () => unknown, holder: Holder | undefined) => unknown,
): unknown => (isPerHolder(service) ? perHolder((holder) => around(() => service[makes](holder), holder)) : service)

/** @returns the service as the holder gets it @throws SERVICE_UNAVAILABLE where the provider fails to make it */
export const serviceFor = (service: unknown, holder?: Holder): unknown =>
  isPerHolder(service) ? service[makes](holder) : service

/** As {@link serviceFor}; undefined where the provider fails to make it. */
export function serviceIfMade(service: unknown, holder?: Holder): unknown {
  try {
    return serviceFor(service, holder)
  } catch {
    // The provider is charged.
    return undefined
  }
}

/** A value for an extension point, made by a call of the point. */
export interface Contribution<T = unknown> {
  readonly point: string
  readonly value: T
}

/** A contribution that breaks a rule is left out; its plugin is degraded as long as the contribution is there. */
export interface PointRules<T> {
  /** What each field must be. A field whose name is a slip of a missing one is refused. */
  readonly shape: Shape<T>
  /** @returns why a value of that shape cannot be used, or undefined */
  refuse?(value: T): string | undefined
  /** @returns the name of a value: while two have one name, the later one is left out */
  nameOf?(value: T): string
}

/** A list for contributions, declared in its owner's api.ts. A call makes a contribution. Gives no start order. */
export interface ExtensionPoint<T> {
  (value: T): Contribution<T>
  readonly kind: 'extensionPoint'
  readonly id: string
  readonly rules?: PointRules<T> | undefined
}

/**
 * @param id unique name, `owner.what` @param rules checked by the runtime @default every value is accepted
 * @throws TypeError for rules that no contribution could keep
 */
export function extensionPoint<T>(id: string, rules?: PointRules<T>): ExtensionPoint<T> {
  const calls = { refuse: 'function?', nameOf: 'function?' } as const
  const problem = rules === undefined ? undefined : (shapeProblem(calls, rules) ?? unknownKind(rules.shape))
  if (problem !== undefined) throw new TypeError(`the rules of the extension point ${show(id)}: ${problem}`)
  const point = (value: T): Contribution<T> => ({ point: id, value })
  return Object.assign(point, { kind: 'extensionPoint' as const, id, rules })
}

/** A contribution as the owner of the extension point sees it. */
export interface Contributed<T> {
  readonly plugin: string
  readonly value: T
  /** Counts and logs an error of the value for the instance that contributed it, which is degraded for a minute. */
  fault(error: unknown): void
  /** Keeps that instance degraded until the reason is undefined: for an owner that leaves the value out. */
  hold(reason: string | undefined): void
}

/** The live list of the contributions to one point. */
export interface Extensions<T> {
  /** The contributions of this moment, in order of arrival. */
  readonly all: readonly Contributed<T>[]
  /** Calls back after each change, not for the contributions that are present already. @returns stops the calls */
  onChange(listener: () => void): () => void
}

export type TokenMap = Readonly<Record<string, ServiceToken<unknown>>>

/** The services that a token map stands for. */
export type ServicesOf<M extends TokenMap> = { readonly [K in keyof M]: M[K] extends ServiceToken<infer T> ? T : never }

/** What a provider returns for a token map. */
export type ProvidedOf<M extends TokenMap> = {
  readonly [K in keyof M]: ServicesOf<M>[K] | PerHolder<ServicesOf<M>[K]>
}

/** As {@link ServicesOf}, each one possibly absent. */
export type WantedServicesOf<M extends TokenMap> = {
  readonly [K in keyof M]: (M[K] extends ServiceToken<infer T> ? T : never) | undefined
}
