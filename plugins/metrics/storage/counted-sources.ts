/** The sources of counters that continue over instances, and what was shown of each. */

type Shown = ReadonlyMap<string, { shown: number }>

/** By family and source: a source may be observed again after a successor that did not start. */
const shownOf = new WeakMap<object, WeakMap<object, Shown>>()
const withSource = new WeakSet<object>()

/** Notes that a batch of these metrics has a counter of a `source`. */
export const noteSource = (metrics: object): void => void withSource.add(metrics)
export const hasSource = (metrics: object): boolean => withSource.has(metrics)

/** Continues with what an earlier batch has shown of the source. */
export function continueSource(family: object, source: object, observations: Shown): void {
  const bySource = shownOf.get(family) ?? new WeakMap<object, Shown>()
  const before = bySource.get(source)
  for (const [key, observation] of observations) observation.shown = before?.get(key)?.shown ?? 0
  shownOf.set(family, bySource.set(source, observations))
}
