/** What the cache counts. */
export const newCounts = () => ({
  local_hits: 0,
  redis_hits: 0,
  stale_hits: 0,
  misses: 0,
  sets: 0,
  deletes: 0,
  expirations: 0,
  loads: 0,
  load_failures: 0,
  load_seconds: 0,
  stampedes_avoided: 0,
})
