/** PURE. What a cache counts while it lives, by the keys of `CacheStats`. All parts of one cache add to one object. */

/** The counts of one key group, and of the cache. */
export const newGroupCounts = () => ({
  local_hits: 0,
  redis_hits: 0,
  misses: 0,
  loads: 0,
  load_failures: 0,
  load_seconds: 0,
})

export const newCounts = () => ({
  ...newGroupCounts(),
  stale_hits: 0,
  sets: 0,
  deletes: 0,
  stampedes_avoided: 0,
  lock_avoided: 0,
  lock_expired: 0,
  poisoned: 0,
  unstorable: 0,
  redis_errors: 0,
  redis_skipped: 0,
  bus_dropped: 0,
  bus_foreign: 0,
  bus_generation: 0,
})
export type Counts = ReturnType<typeof newCounts>
