/** PURE. Runs a loader and collects its value with the options that the loader chose. */
import type { Loader, LoadOptions } from '../api.ts'
import type { CacheConfig } from '../config.ts'

export interface Loaded<T> {
  readonly value: T
  /** Milliseconds; 0: the value is not kept. */
  readonly ttlMs: number
  readonly graceMs: number
  readonly tags: readonly string[]
}

/** @throws what the loader throws */
export async function runLoader<T>(
  key: string,
  loader: Loader<T>,
  options: LoadOptions,
  config: CacheConfig,
): Promise<Loaded<T>> {
  const tags = new Set(options.tags)
  let chosenMs: number | undefined
  const value = await loader({
    key,
    ttl(ms) {
      chosenMs = ms
    },
    tags(...more) {
      for (const tag of more) tags.add(tag)
    },
    skip() {
      chosenMs = 0
    },
  })
  const negativeMs = value === null || value === undefined ? options.negativeTtlMs : undefined
  const ttlMs = chosenMs ?? negativeMs ?? options.ttlMs ?? config.ttl
  return { value, ttlMs, graceMs: options.graceMs ?? config.grace, tags: [...tags] }
}
