/** Traces of keys in published shapes, repeatable by seed. */
import { seeded } from '../../support/seeded.ts'

/** Keys of a Zipf distribution over `keys` ranks with exponent `s`. @returns draws a rank from 0 */
export function zipf(keys: number, s: number, random: () => number): () => number {
  const sums = new Float64Array(keys)
  let total = 0
  for (let rank = 0; rank < keys; rank += 1) {
    total += 1 / (rank + 1) ** s
    sums[rank] = total
  }
  return () => {
    const wanted = random() * total
    let low = 0
    let high = keys - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}

export type Shape = 'zipf' | 'scan' | 'drift'

/**
 * `zipf`: Zipf 0.8. `scan`: the same, broken now and then by 1,000 keys that are asked for once. `drift`: Zipf 1.0 whose
 * favourites change, one rank every 200 look-ups.
 */
export function* trace(shape: Shape, lookups: number, keys = 100_000, seed = 1): Generator<string> {
  const random = seeded(seed)
  const rank = zipf(keys, shape === 'drift' ? 1 : 0.8, random)
  let scanned = 0
  let left = 0
  for (let index = 0; index < lookups; index += 1) {
    if (shape === 'scan' && left === 0 && random() < 1 / 2_000) left = 1_000
    if (left > 0) {
      left -= 1
      yield `s${scanned++}`
    } else yield `k${(rank() + (shape === 'drift' ? Math.floor(index / 200) : 0)) % keys}`
  }
}
