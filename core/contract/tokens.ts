/**
 * The two ways in which plugins meet: service tokens for calls, extension points for registration.
 * Both match by id, so that a second copy of a module still means the same thing.
 */

/** A typed name for a service. Tokens in `needs` and `wants` make the start order. */
export interface ServiceToken<T> {
  readonly kind: 'service'
  readonly id: string
  /** Carries the type only; never set. */
  readonly type?: T
}

/** @param id unique name, the plugin's name or `plugin.part` */
export const service = <T>(id: string): ServiceToken<T> => ({ kind: 'service', id })

/** A value for an extension point, made by a call of the point. */
export interface Contribution<T = unknown> {
  readonly point: string
  readonly value: T
}

/** A list for contributions, declared in its owner's api.ts. A call makes a contribution. Gives no start order. */
export interface ExtensionPoint<T> {
  (value: T): Contribution<T>
  readonly kind: 'extensionPoint'
  readonly id: string
}

/** @param id unique name, `owner.what` */
export function extensionPoint<T>(id: string): ExtensionPoint<T> {
  const point = (value: T): Contribution<T> => ({ point: id, value })
  return Object.assign(point, { kind: 'extensionPoint' as const, id })
}

/** A contribution as the owner of the extension point sees it: the value and the plugin that contributed the value. */
export interface Contributed<T> {
  readonly plugin: string
  readonly value: T
  /**
   * Reports an error that the value threw. The error is counted and logged for the plugin instance that contributed the
   * value, and turns that instance degraded for a minute; a successor of the same name is not affected.
   */
  fault(error: unknown): void
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

/** As {@link ServicesOf}, each one possibly absent. */
export type WantedServicesOf<M extends TokenMap> = {
  readonly [K in keyof M]: (M[K] extends ServiceToken<infer T> ? T : never) | undefined
}
